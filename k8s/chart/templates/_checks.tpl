{{/* What values can be wrong together; each ends rendering with one line that says the way on. */}}

{{- define "loadtest.checks" -}}
{{- $v := .Values -}}
{{- $finite := has $v.mode (list "job" "cron") -}}
{{- $shape := get $v.options "shape" -}}
{{- $runTime := get $v.options "run-time" -}}

{{- if and $v.referenceBackend.enabled $v.host -}}
{{- fail "host and referenceBackend.enabled are both given: the run would not know which to load. Clear one of them." -}}
{{- end -}}
{{- if not (or $v.referenceBackend.enabled $v.host (eq $v.mode "ui")) -}}
{{- fail (printf "host is empty: a %s needs the backend's address, e.g. host=https://staging.example.org, or referenceBackend.enabled=true." $v.mode) -}}
{{- end -}}

{{- if $finite -}}
{{- if not (or $runTime $shape) -}}
{{- fail (printf "options.run-time is missing: a %s has to end. Say how long, e.g. options.run-time=5m." $v.mode) -}}
{{- end -}}
{{- if and $runTime (eq (include "loadtest.seconds" $runTime) "") -}}
{{- fail (printf "options.run-time is %q, which is no duration. Write it as 90, 90s, 3m or 1h30m." (toString $runTime)) -}}
{{- end -}}
{{- if and $shape (not $runTime) (not $v.deadlineSeconds) -}}
{{- fail "deadlineSeconds is missing: with options.shape and no options.run-time nothing else bounds the run." -}}
{{- end -}}
{{- if and $v.deadlineSeconds (le (int $v.deadlineSeconds) (add (include "loadtest.runSeconds" . | int) (int $v.startTimeoutSeconds))) -}}
{{- fail (printf "deadlineSeconds is %d: the run would be cut off. It must be more than startTimeoutSeconds + options.run-time." (int $v.deadlineSeconds)) -}}
{{- end -}}
{{- if $v.autoscaling.kind -}}
{{- fail (printf "autoscaling.kind is %q in mode %s: workers that come and go make a run invalid. It is for mode ui." $v.autoscaling.kind $v.mode) -}}
{{- end -}}
{{- range $page := list "ingress" "httpRoute" -}}
{{- if (get $v $page).enabled -}}
{{- fail (printf "%s.enabled in mode %s: there is no web page. It is for mode ui." $page $v.mode) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- $stop := include "loadtest.seconds" (default 0 (get $v.options "stop-timeout")) | int -}}
{{- range $role, $least := dict "master" 90 "workers" 45 -}}
{{- $grace := int (get $v $role).terminationGracePeriodSeconds -}}
{{- if lt $grace (add $stop $least | int) -}}
{{- fail (printf "%s.terminationGracePeriodSeconds is %d: after SIGTERM a run takes options.stop-timeout (%d) + %d seconds to count and to write its record." $role $grace $stop $least) -}}
{{- end -}}
{{- end -}}

{{- $paths := list -}}
{{- range $source := list "files" "configMap" "initContainer" -}}
{{- if get $v.locustfile $source -}}{{- $paths = append $paths (printf "locustfile.%s" $source) -}}{{- end -}}
{{- end -}}
{{- if gt (len $paths) 1 -}}
{{- fail (printf "%s are both given: give one of them." (join " and " $paths)) -}}
{{- end -}}
{{- if and $paths (not (hasPrefix "/mnt/locust/" $v.locustfile.path)) -}}
{{- fail (printf "%s is given, and locustfile.path is %s: the files are below /mnt/locust/." (first $paths) $v.locustfile.path) -}}
{{- end -}}
{{- if and (not $paths) (hasPrefix "/mnt/locust/" $v.locustfile.path) -}}
{{- fail (printf "locustfile.path is %s, and nothing puts files there: give locustfile.files, .configMap or .initContainer." $v.locustfile.path) -}}
{{- end -}}
{{- if $v.locustfile.files -}}
{{- $name := trimPrefix "/mnt/locust/" $v.locustfile.path -}}
{{- if not (hasKey $v.locustfile.files $name) -}}
{{- fail (printf "locustfile.path names %s, which is not among locustfile.files (%s)." $name (keys $v.locustfile.files | sortAlpha | join ", ")) -}}
{{- end -}}
{{- $bytes := 0 -}}
{{- range $v.locustfile.files -}}{{- $bytes = add $bytes (len .) -}}{{- end -}}
{{- if gt (int $bytes) 1000000 -}}
{{- fail (printf "locustfile.files have %d bytes; a ConfigMap holds 1,000,000 of them. Put them into an image, or use locustfile.initContainer." $bytes) -}}
{{- end -}}
{{- end -}}
{{- with $v.locustfile.initContainer -}}
{{- if not (and .image .command) -}}
{{- fail "locustfile.initContainer needs image and command." -}}
{{- end -}}
{{- end -}}

{{- if and $v.secrets.databaseUrl (not (or $v.secrets.jwtSecret $v.secrets.jwtKey)) -}}
{{- fail "secrets.databaseUrl is given without secrets.jwtSecret or secrets.jwtKey: tokens for the new users cannot be minted." -}}
{{- end -}}
{{- $logins := list -}}
{{- range list "token" "tokenCommand" "account" "accounts" -}}
{{- if get $v.secrets . -}}{{- $logins = append $logins (printf "secrets.%s" .) -}}{{- end -}}
{{- end -}}
{{- if gt (len $logins) 1 -}}
{{- fail (printf "%s are given: give one of them." (join " and " $logins)) -}}
{{- end -}}
{{- if and $v.tls.clientKey (not $v.tls.clientCert) -}}
{{- fail "tls.clientKey is given without tls.clientCert." -}}
{{- end -}}

{{- if and $v.results.upload.secret (not $v.results.upload.to) -}}
{{- fail "results.upload.secret is given without results.upload.to: nothing would be sent." -}}
{{- end -}}
{{- if and (eq $v.mode "cron") $v.cron.history (not $v.results.persistence.enabled) -}}
{{- fail "cron.history without results.persistence.enabled: each firing would find no history. Enable one or disable the other." -}}
{{- end -}}
{{- if and $v.ingress.enabled (not $v.ingress.host) -}}
{{- fail "ingress.enabled without ingress.host: the web page would answer for every name." -}}
{{- end -}}
{{- if and $v.httpRoute.enabled (not $v.httpRoute.parentRefs) -}}
{{- fail "httpRoute.enabled without httpRoute.parentRefs: no gateway would serve it." -}}
{{- end -}}
{{- if and (eq $v.autoscaling.kind "keda") (not $v.autoscaling.triggers) -}}
{{- fail "autoscaling.kind is keda without autoscaling.triggers." -}}
{{- end -}}
{{- if and $v.autoscaling.kind (gt (int $v.autoscaling.minReplicas) (int $v.autoscaling.maxReplicas)) -}}
{{- fail (printf "autoscaling.minReplicas is %d, more than maxReplicas, %d." (int $v.autoscaling.minReplicas) (int $v.autoscaling.maxReplicas)) -}}
{{- end -}}
{{- if and $v.metrics.serviceMonitor.enabled (not $v.metrics.port) -}}
{{- fail "metrics.serviceMonitor.enabled with metrics.port 0: there would be nothing to look at." -}}
{{- end -}}
{{- $users := get $v.options "users" -}}
{{- if and $finite (kindIs "float64" $users) (lt (int $users) (int $v.workers.replicas)) -}}
{{- fail (printf "options.users is %d for %d workers: some would have none." (int $users) (int $v.workers.replicas)) -}}
{{- end -}}
{{- end -}}
