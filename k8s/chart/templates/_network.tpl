{{/* Where master and workers go: names, and the backend. */}}

{{- define "loadtest.egress" -}}
{{- $policy := .Values.networkPolicy -}}
- ports:
    - {port: 53, protocol: UDP}
    - {port: 53, protocol: TCP}
{{- with include "loadtest.host" . }}
- ports:
    {{- range (default (include "loadtest.portsOf" . | fromJson).ports $policy.targetPorts) }}
    - {port: {{ include "loadtest.word" . }}, protocol: TCP}
    {{- end }}
  {{- if $.Values.referenceBackend.enabled }}
  to:
    - podSelector:
        matchLabels:
          {{- include "loadtest.selectorLabels" (list $ "backend") | nindent 10 }}
  {{- else }}
  {{- with $policy.targetTo }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- end }}
{{- end }}
{{- with $policy.extraEgress }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "loadtest.masterEgress" -}}
- to:
    - podSelector:
        matchLabels:
          {{- include "loadtest.selectorLabels" (list . "master") | nindent 10 }}
  ports:
    - {port: workers, protocol: TCP}
{{- end -}}

{{- define "loadtest.databaseEgress" -}}
{{- if .Values.secrets.databaseUrl -}}
- ports:
    - {port: {{ .Values.networkPolicy.databasePort | int64 }}, protocol: TCP}
{{- end -}}
{{- end -}}
