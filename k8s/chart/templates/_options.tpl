{{/* What the load is and where it goes. Takes (root, options). */}}

{{- define "loadtest.loadArgs" -}}
{{- $root := index . 0 -}}
{{- with include "loadtest.host" $root }}
- {{ printf "--host=%s" . | quote }}
{{- end }}
{{- range $name, $option := dict "ca" "ca-file" "clientCert" "client-cert" "clientKey" "client-key" }}
{{- if get $root.Values.tls $name }}
- --{{ $option }}=/run/tls/{{ $name | kebabcase }}/{{ $name | kebabcase }}.pem
{{- end }}
{{- end }}
{{- range $name, $value := index . 1 }}
{{- if kindIs "bool" $value }}
{{- if $value }}
- --{{ $name }}
{{- end }}
{{- else if kindIs "slice" $value }}
- --{{ $name }}
{{- range $value }}
- {{ . | quote }}
{{- end }}
{{- else }}
- {{ printf "--%s=%s" $name (include "loadtest.word" $value) | quote }}
{{- end }}
{{- end }}
{{- end -}}
