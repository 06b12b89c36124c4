{{/* Names and labels. A name leaves room for a run's name, a component and the index of a pod: 63 in all. */}}

{{- define "loadtest.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 34 | trimSuffix "-" -}}
{{- end -}}

{{- define "loadtest.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 34 | trimSuffix "-" -}}
{{- else if contains (include "loadtest.name" .) .Release.Name -}}
{{- .Release.Name | trunc 34 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "loadtest.name" .) | trunc 34 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Which run this is: empty where the release is not one run. A Job cannot be changed, so each run has its own. */}}
{{- define "loadtest.run" -}}
{{- if eq .Values.mode "job" -}}
{{- default (toString .Release.Revision) .Values.runName -}}
{{- end -}}
{{- end -}}

{{- define "loadtest.runFullname" -}}
{{- $run := include "loadtest.run" . -}}
{{- include "loadtest.fullname" . -}}{{- with $run -}}-{{ . }}{{- end -}}
{{- end -}}

{{- define "loadtest.serviceAccountName" -}}
{{- $own := ternary (include "loadtest.fullname" .) "default" .Values.serviceAccount.create -}}
{{- default $own .Values.serviceAccount.name -}}
{{- end -}}

{{- define "loadtest.claimName" -}}
{{- default (printf "%s-results" (include "loadtest.fullname" .)) .Values.results.persistence.existingClaim -}}
{{- end -}}

{{/* Takes (root, component). */}}
{{- define "loadtest.selectorLabels" -}}
{{- $root := index . 0 -}}
{{- $component := index . 1 -}}
app.kubernetes.io/name: {{ include "loadtest.name" $root }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ $component }}
{{- if has $component (list "master" "workers") }}
{{- with include "loadtest.run" $root }}
loadtest/run: {{ . | quote }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Takes (root, component). */}}
{{- define "loadtest.labels" -}}
{{- $root := index . 0 -}}
{{- include "loadtest.selectorLabels" . }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" }}
{{- with $root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* metadata of an object. Takes (root, component, name), and optionally its annotations. */}}
{{- define "loadtest.metadata" -}}
{{- $root := index . 0 -}}
{{- $more := dict -}}
{{- if gt (len .) 3 -}}{{- $more = index . 3 -}}{{- end -}}
name: {{ index . 2 }}
namespace: {{ $root.Release.Namespace }}
labels:
  {{- include "loadtest.labels" (list $root (index . 1)) | nindent 2 }}
{{- with merge (dict) $more $root.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
