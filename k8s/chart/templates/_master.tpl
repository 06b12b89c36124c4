{{/* The master: options, secrets, results, and what sends them away. */}}

{{- define "loadtest.masterPod" -}}
{{- $spec := include "loadtest.masterSpec" . | fromYaml -}}
{{- $common := include "loadtest.commonVolumes" . | fromYamlArray -}}
{{- $_ := set $spec "volumes" (concat $common (include "loadtest.masterVolumes" . | fromYamlArray)) -}}
{{- $fetch := include "loadtest.fetchLocustfile" . | fromYamlArray -}}
{{- with concat $fetch (include "loadtest.uploader" . | fromYamlArray) -}}
{{- $_ := set $spec "initContainers" . -}}
{{- end -}}
{{- include "loadtest.podTemplate" (list . .Values.master "master" $spec) -}}
{{- end -}}

{{- define "loadtest.masterSpec" -}}
restartPolicy: {{ ternary "Always" "Never" (eq .Values.mode "ui") }}
containers:
  - name: master
    {{- include "loadtest.container" . | nindent 4 }}
    args:
      {{- include "loadtest.masterArgs" . | nindent 6 }}
    {{- with include "loadtest.masterEnv" . }}
    env:
      {{- . | nindent 6 }}
    {{- end }}
    ports:
      - {name: workers, containerPort: 5557}
      {{- if eq .Values.mode "ui" }}
      - {name: web, containerPort: 8089}
      {{- end }}
      {{- if .Values.metrics.port }}
      - {name: metrics, containerPort: {{ .Values.metrics.port | int64 }}}
      {{- end }}
    readinessProbe:
      exec: {command: [healthcheck]}
      periodSeconds: 5
    resources:
      {{- toYaml .Values.master.resources | nindent 6 }}
    terminationMessagePolicy: FallbackToLogsOnError
    volumeMounts:
      {{- include "loadtest.commonMounts" . | nindent 6 }}
      - {name: results, mountPath: /results}
      {{- include "loadtest.secretMounts" . | nindent 6 }}
      {{- if .Values.objectives }}
      - {name: objectives, mountPath: /etc/loadtest, readOnly: true}
      {{- end }}
{{- end -}}

{{- define "loadtest.masterArgs" -}}
{{- $finite := has .Values.mode (list "job" "cron") -}}
- locust
- --locustfile={{ .Values.locustfile.path }}
- --master
{{- if $finite }}
- --headless
- --expect-workers={{ .Values.workers.replicas | int64 }}
- --expect-workers-max-wait={{ .Values.startTimeoutSeconds | int64 }}
{{- end }}
- --results-dir=/results
{{- if .Values.metrics.port }}
- --metrics-port={{ .Values.metrics.port | int64 }}
{{- end }}
{{- if and (eq .Values.mode "cron") .Values.cron.history }}
- --history
{{- end }}
{{- if .Values.objectives }}
- --slo-file=/etc/loadtest/slo.toml
{{- end }}
{{ include "loadtest.loadArgs" (list . .Values.options) }}
{{- with .Values.master.extraArgs }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "loadtest.masterEnv" -}}
{{- include "loadtest.secretVariables" . }}
{{- with .Values.master.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "loadtest.masterVolumes" -}}
- name: results
  {{- if .Values.results.persistence.enabled }}
  persistentVolumeClaim:
    claimName: {{ include "loadtest.claimName" . }}
  {{- else }}
  emptyDir: {sizeLimit: {{ .Values.results.persistence.size }}}
  {{- end }}
{{- include "loadtest.secretVolumes" . }}
{{- if .Values.objectives }}
- name: objectives
  configMap:
    name: {{ include "loadtest.runFullname" . }}-objectives
{{- end }}
{{- end -}}

{{/* A native sidecar: it ends after the master, whatever became of that, and then sends what is new. */}}
{{- define "loadtest.uploader" -}}
{{- with .Values.results.upload }}
{{- if .to }}
- name: upload
  {{- include "loadtest.container" $ | nindent 2 }}
  restartPolicy: Always
  args: [python, -m, loadtest.upload, /results, {{ .to | quote }}, --at-the-end]
  {{- with .env }}
  env:
    {{- range $name, $value := . }}
    - {name: {{ $name }}, value: {{ include "loadtest.word" $value | quote }}}
    {{- end }}
  {{- end }}
  {{- with .secret }}
  envFrom:
    - secretRef: {name: {{ . }}}
  {{- end }}
  resources:
    {{- toYaml .resources | nindent 4 }}
  terminationMessagePolicy: FallbackToLogsOnError
  volumeMounts:
    - {name: tmp, mountPath: /tmp}
    - {name: results, mountPath: /results, readOnly: true}
{{- end }}
{{- end }}
{{- end -}}
