{{/* A pod of `helm test`. Takes (root, name, arguments, whether it gets the secrets). */}}
{{- define "loadtest.helmTest" -}}
{{- $root := index . 0 -}}
{{- $secrets := index . 3 -}}
apiVersion: v1
kind: Pod
metadata:
  {{- include "loadtest.metadata" (list $root "test" (printf "%s-test-%s" (include "loadtest.fullname" $root) (index . 1)) (dict "helm.sh/hook" "test" "helm.sh/hook-delete-policy" "before-hook-creation")) | nindent 2 }}
spec:
  restartPolicy: Never
  activeDeadlineSeconds: 300
  {{- $role := dict "terminationGracePeriodSeconds" 60 }}
  {{- $spec := include "loadtest.podSpec" (list $root $role "test") | fromYaml }}
  {{- with include "loadtest.fetchLocustfile" $root | fromYamlArray }}
  {{- $_ := set $spec "initContainers" . }}
  {{- end }}
  {{- if $secrets }}
  {{- $_ := set $spec "volumes" (concat $spec.volumes (include "loadtest.secretVolumes" $root | fromYamlArray)) }}
  {{- end }}
  {{- toYaml $spec | nindent 2 }}
  containers:
    - name: test
      {{- include "loadtest.container" $root | nindent 6 }}
      args:
        {{- toYaml (index . 2) | nindent 8 }}
      {{- if $secrets }}
      {{- with include "loadtest.secretVariables" $root }}
      env:
        {{- . | nindent 8 }}
      {{- end }}
      {{- end }}
      resources:
        requests: {cpu: 100m, memory: 256Mi}
        limits: {memory: 512Mi}
      volumeMounts:
        {{- include "loadtest.commonMounts" $root | nindent 8 }}
        {{- if $secrets }}
        {{- include "loadtest.secretMounts" $root | nindent 8 }}
        {{- end }}
{{- end -}}
