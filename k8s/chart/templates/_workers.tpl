{{/* The workers: they get everything but their code from the master. */}}

{{- define "loadtest.workersPod" -}}
{{- $spec := include "loadtest.workersSpec" . | fromYaml -}}
{{- $fetch := include "loadtest.fetchLocustfile" . | fromYamlArray -}}
{{- $_ := set $spec "initContainers" (concat $fetch (include "loadtest.waitForMaster" . | fromYamlArray)) -}}
{{- include "loadtest.podTemplate" (list . .Values.workers "workers" $spec) -}}
{{- end -}}

{{- define "loadtest.workersSpec" -}}
restartPolicy: {{ ternary "Always" "Never" (eq .Values.mode "ui") }}
containers:
  - name: worker
    {{- include "loadtest.container" . | nindent 4 }}
    args:
      - locust
      - --locustfile={{ .Values.locustfile.path }}
      - --worker
      - --master-host={{ include "loadtest.runFullname" . }}
      - --master-port=5557
      {{- with .Values.workers.extraArgs }}
      {{- toYaml . | nindent 6 }}
      {{- end }}
    {{- with .Values.workers.extraEnv }}
    env:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    readinessProbe:
      exec: {command: [healthcheck]}
      periodSeconds: 5
    resources:
      {{- toYaml .Values.workers.resources | nindent 6 }}
    terminationMessagePolicy: FallbackToLogsOnError
    volumeMounts:
      {{- include "loadtest.commonMounts" . | nindent 6 }}
{{- end -}}

{{/* Locust gives a master five minutes, whatever was asked for; and what never came says so in one line. */}}
{{- define "loadtest.waitForMaster" -}}
- name: wait-for-master
  {{- include "loadtest.container" . | nindent 2 }}
  args: [python, -m, loadtest.run.wait_for, {{ include "loadtest.runFullname" . }}:5557, --wait, {{ .Values.startTimeoutSeconds | int64 | quote }}]
  resources:
    requests: {cpu: 10m, memory: 32Mi}
    limits: {memory: 128Mi}
  terminationMessagePolicy: FallbackToLogsOnError
  volumeMounts:
    - {name: tmp, mountPath: /tmp}
{{- end -}}
