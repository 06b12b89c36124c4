{{/* Jobs, alone or of a CronJob. */}}

{{/* One attempt: a second run would not be the one that was asked for. Its end is the run's verdict. */}}
{{- define "loadtest.masterJob" -}}
backoffLimit: 0
completions: 1
parallelism: 1
activeDeadlineSeconds: {{ include "loadtest.deadlineSeconds" . }}
ttlSecondsAfterFinished: {{ .Values.ttlSecondsAfterFinished | int64 }}
template:
  {{- include "loadtest.masterPod" . | nindent 2 }}
{{- end -}}

{{/* A worker that was evicted before the run is made anew; one that ended by itself is not. */}}
{{- define "loadtest.workersJob" -}}
completionMode: Indexed
completions: {{ .Values.workers.replicas | int64 }}
parallelism: {{ .Values.workers.replicas | int64 }}
backoffLimitPerIndex: 1
maxFailedIndexes: {{ .Values.workers.replicas | int64 }}
activeDeadlineSeconds: {{ include "loadtest.deadlineSeconds" . }}
ttlSecondsAfterFinished: {{ .Values.ttlSecondsAfterFinished | int64 }}
podFailurePolicy:
  rules:
    - action: Ignore
      onPodConditions:
        - {type: DisruptionTarget, status: "True"}
    - action: FailIndex
      onExitCodes: {containerName: worker, operator: NotIn, values: [0]}
template:
  {{- include "loadtest.workersPod" . | nindent 2 }}
{{- end -}}

{{/* Master and workers fire at the same time, without anything that would need a token. Takes (root, kept Jobs' spec). */}}
{{- define "loadtest.cronJob" -}}
{{- $cron := (index . 0).Values.cron -}}
schedule: {{ $cron.schedule | quote }}
{{- with $cron.timeZone }}
timeZone: {{ . }}
{{- end }}
suspend: {{ $cron.suspend }}
concurrencyPolicy: Forbid
startingDeadlineSeconds: {{ $cron.startingDeadlineSeconds | int64 }}
successfulJobsHistoryLimit: {{ $cron.successfulJobsHistoryLimit | int64 }}
failedJobsHistoryLimit: {{ $cron.failedJobsHistoryLimit | int64 }}
jobTemplate:
  spec:
    {{- index . 1 | nindent 4 }}
{{- end -}}
