{{/* What follows from several values. */}}

{{/* A number as a person writes it: Helm has every number as a float, and would write 1e+06. */}}
{{- define "loadtest.word" -}}
{{- if and (kindIs "float64" .) (eq (floor .) .) -}}{{- printf "%.0f" . -}}{{- else -}}{{- toString . -}}{{- end -}}
{{- end -}}

{{/* Seconds of a duration as Locust reads it (90, 90s, 3m, 1h30m); nothing of none. */}}
{{- define "loadtest.seconds" -}}
{{- $text := include "loadtest.word" . -}}
{{- if regexMatch "^[0-9]+$" $text -}}
{{- $text -}}
{{- else if regexMatch "^([0-9]+h)?([0-9]+m)?([0-9]+s)?$" $text -}}
{{- $seconds := 0 -}}
{{- $units := dict "h" 3600 "m" 60 "s" 1 -}}
{{- range regexFindAll "[0-9]+[hms]" $text -1 -}}
{{- $seconds = add $seconds (mul (regexFind "[0-9]+" . | atoi) (get $units (regexFind "[hms]" .))) -}}
{{- end -}}
{{- $seconds -}}
{{- end -}}
{{- end -}}

{{- define "loadtest.runSeconds" -}}
{{- with get .Values.options "run-time" -}}{{- include "loadtest.seconds" . -}}{{- end -}}
{{- end -}}

{{/* After the run: draining, counting, the report, and pods that take their time. */}}
{{- define "loadtest.deadlineSeconds" -}}
{{- if .Values.deadlineSeconds -}}
{{- include "loadtest.word" .Values.deadlineSeconds -}}
{{- else -}}
{{- add (int .Values.startTimeoutSeconds) (include "loadtest.runSeconds" . | int) 900 -}}
{{- end -}}
{{- end -}}

{{- define "loadtest.host" -}}
{{- if .Values.referenceBackend.enabled -}}
http://{{ include "loadtest.fullname" . }}-backend:3001
{{- else -}}
{{- .Values.host -}}
{{- end -}}
{{- end -}}

{{/* The ports of URLs with commas, as JSON in a dictionary: {"ports": […]}. */}}
{{- define "loadtest.portsOf" -}}
{{- $ports := list -}}
{{- range splitList "," . -}}
{{- $url := urlParse (trim .) -}}
{{- $port := regexFind ":[0-9]+$" $url.host | trimPrefix ":" -}}
{{- $usual := ternary 80 443 (eq $url.scheme "http") -}}
{{- $ports = append $ports (ternary (int $port) $usual (ne $port "")) -}}
{{- end -}}
{{- dict "ports" (uniq $ports) | toJson -}}
{{- end -}}

{{/* Takes an image's values and the chart's appVersion. */}}
{{- define "loadtest.image" -}}
{{- $image := index . 0 -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $image.repository $image.digest -}}
{{- else -}}
{{- printf "%s:%s" $image.repository (default (index . 1) $image.tag) -}}
{{- end -}}
{{- end -}}

{{/* Where custom locustfiles come from: image, files, configMap or initContainer. */}}
{{- define "loadtest.locustfileFrom" -}}
{{- if .Values.locustfile.initContainer -}}initContainer
{{- else if .Values.locustfile.configMap -}}configMap
{{- else if .Values.locustfile.files -}}files
{{- else -}}image
{{- end -}}
{{- end -}}
