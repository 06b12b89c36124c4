{{/* Secrets come as files, and variables say where: nothing is in the environment, and nothing on a command line. */}}

{{- define "loadtest.secretVariables" -}}
{{- $variables := dict
  "jwtSecret" "LOCUST_JWT_SECRET_FILE"
  "databaseUrl" "LOCUST_DATABASE_URL_FILE"
  "token" "LOCUST_TOKEN_FILE"
  "tokenCommand" "LOCUST_TOKEN_COMMAND_FILE"
  "account" "LOCUST_ACCOUNT_FILE"
  "jwtKey" "LOCUST_JWT_KEY_FILE"
  "accounts" "LOCUST_ACCOUNTS_FILE"
-}}
{{- range $name, $reference := .Values.secrets }}
{{- if $reference }}
- {name: {{ get $variables $name }}, value: /run/secrets/{{ $name | kebabcase }}/{{ $name | kebabcase }}}
{{- end }}
{{- end }}
{{- end -}}

{{- define "loadtest.secretMounts" -}}
{{- range $name, $reference := .Values.secrets }}
{{- if $reference }}
- {name: secret-{{ $name | kebabcase }}, mountPath: /run/secrets/{{ $name | kebabcase }}, readOnly: true}
{{- end }}
{{- end }}
{{- end -}}

{{- define "loadtest.secretVolumes" -}}
{{- range $name, $reference := .Values.secrets }}
{{- with $reference }}
- name: secret-{{ $name | kebabcase }}
  secret:
    secretName: {{ .name }}
    defaultMode: 0440
    items:
      - {key: {{ .key | quote }}, path: {{ $name | kebabcase }}}
{{- end }}
{{- end }}
{{- end -}}
