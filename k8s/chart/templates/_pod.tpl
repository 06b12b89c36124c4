{{/* What the pods of all roles have in common. */}}

{{/* Takes (root, role's values, component, what its spec has besides). */}}
{{- define "loadtest.podTemplate" -}}
{{- $root := index . 0 -}}
{{- $role := index . 1 -}}
{{- $component := index . 2 -}}
{{- $spec := mergeOverwrite (include "loadtest.podSpec" (list $root $role $component) | fromYaml) (index . 3) -}}
metadata:
  labels:
    {{- include "loadtest.labels" (list $root $component) | nindent 4 }}
    {{- with $role.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with merge (dict) $role.podAnnotations $root.Values.commonAnnotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  {{- mergeOverwrite $spec (deepCopy $role.podOverrides) | toYaml | nindent 2 }}
{{- end -}}

{{- define "loadtest.podSpec" -}}
{{- $root := index . 0 -}}
{{- $role := index . 1 -}}
{{- $component := index . 2 -}}
{{ include "loadtest.identity" $root }}
terminationGracePeriodSeconds: {{ $role.terminationGracePeriodSeconds | int64 }}
securityContext:
  {{- toYaml $root.Values.podSecurityContext | nindent 2 }}
  {{- with $root.Values.sysctls }}
  sysctls:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- with $role.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $role.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $role.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $role.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- if $role.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- toYaml $role.topologySpreadConstraints | nindent 2 }}
{{- else if eq $component "workers" }}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "loadtest.selectorLabels" (list $root $component) | nindent 8 }}
{{- end }}
volumes:
  {{- include "loadtest.commonVolumes" $root | nindent 2 }}
{{- end -}}

{{/* Who a pod is: for the cluster, and for the registry. */}}
{{- define "loadtest.identity" -}}
serviceAccountName: {{ include "loadtest.serviceAccountName" . }}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end -}}

{{/* Brings a locustfile from elsewhere; a list of one, or of none. */}}
{{- define "loadtest.fetchLocustfile" -}}
{{- with .Values.locustfile.initContainer }}
- name: locustfile
  image: {{ .image }}
  imagePullPolicy: {{ $.Values.image.pullPolicy }}
  command:
    {{- toYaml .command | nindent 4 }}
  {{- with .args }}
  args:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .env }}
  env:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  resources:
    requests: {cpu: 10m, memory: 32Mi}
    limits: {memory: 256Mi}
  securityContext:
    {{- toYaml $.Values.containerSecurityContext | nindent 4 }}
  volumeMounts:
    - {name: locustfile, mountPath: /mnt/locust}
    - {name: tmp, mountPath: /tmp}
{{- end }}
{{- end -}}

{{- define "loadtest.commonVolumes" -}}
- name: tmp
  emptyDir: {sizeLimit: {{ .Values.tmpSize }}}
{{- $from := include "loadtest.locustfileFrom" . }}
{{- if eq $from "initContainer" }}
- name: locustfile
  emptyDir: {sizeLimit: {{ .Values.tmpSize }}}
{{- else if ne $from "image" }}
- name: locustfile
  configMap:
    name: {{ ternary .Values.locustfile.configMap (printf "%s-locustfile" (include "loadtest.runFullname" .)) (eq $from "configMap") }}
{{- end }}
{{- range $name, $reference := .Values.tls }}
{{- with $reference }}
- name: tls-{{ $name | kebabcase }}
  secret:
    secretName: {{ .name }}
    defaultMode: 0440
    items:
      - {key: {{ .key | quote }}, path: {{ $name | kebabcase }}.pem}
{{- end }}
{{- end }}
{{- end -}}

{{- define "loadtest.commonMounts" -}}
- {name: tmp, mountPath: /tmp}
{{- if ne (include "loadtest.locustfileFrom" .) "image" }}
- {name: locustfile, mountPath: /mnt/locust, readOnly: true}
{{- end }}
{{- range $name, $reference := .Values.tls }}
{{- if $reference }}
- {name: tls-{{ $name | kebabcase }}, mountPath: /run/tls/{{ $name | kebabcase }}, readOnly: true}
{{- end }}
{{- end }}
{{- end -}}

{{/* How the load test's container begins: image and security. */}}
{{- define "loadtest.container" -}}
image: {{ include "loadtest.image" (list .Values.image .Chart.AppVersion) }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  {{- toYaml .Values.containerSecurityContext | nindent 2 }}
{{- end -}}
