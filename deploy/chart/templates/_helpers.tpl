{{- define "drupelet.fullname" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "drupelet.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "drupelet.labels" -}}
{{ include "drupelet.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{- end -}}

{{- define "drupelet.serviceAccountName" -}}
{{- default (include "drupelet.fullname" .) .Values.serviceAccount.name -}}
{{- end -}}

{{- define "drupelet.subject" -}}
- kind: ServiceAccount
  name: {{ include "drupelet.serviceAccountName" . }}
  namespace: {{ .Release.Namespace }}
{{- end -}}

{{- define "drupelet.podTemplate" -}}
metadata:
  labels:
    {{- include "drupelet.labels" . | nindent 4 }}
    {{- with .Values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with .Values.podAnnotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  serviceAccountName: {{ include "drupelet.serviceAccountName" . }}
  automountServiceAccountToken: true
  enableServiceLinks: false
  terminationGracePeriodSeconds: 30
  {{- with .Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 65532
    runAsGroup: 65532
    fsGroup: 65532
    seccompProfile:
      type: RuntimeDefault
  containers:
    - name: agent
      image: {{ printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) | quote }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      args:
        - agent
        - --namespace={{ .Release.Namespace }}
        - --listen=0.0.0.0:{{ .Values.service.port }}
        - --cache-dir=/var/cache/drupelet
        - --poll={{ .Values.agent.poll }}
        - --memory-budget={{ .Values.agent.memoryBudget }}
        {{- with .Values.agent.cpuBudget }}
        - --cpu-budget={{ . }}
        {{- end }}
        {{- if eq .Values.kind "DaemonSet" }}
        - {{ .Values.sharding | ternary "--shard" "--leader-elect" }}
        - --lease-duration={{ .Values.leaderElection.leaseDuration }}
        {{- end }}
        {{- if eq .Values.rbac.profile "read-only" }}
        - --observe
        {{- end }}
        {{- with .Values.agent.applicationNamespaces }}
        - --application-namespaces={{ join "," . }}
        {{- end }}
        {{- with .Values.agent.extraArgs }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- with .Values.agent.env }}
      env:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      ports:
        - name: metrics
          containerPort: {{ .Values.service.port }}
      livenessProbe:
        httpGet:
          path: /healthz
          port: metrics
        periodSeconds: 30
        failureThreshold: 4
        timeoutSeconds: 5
      readinessProbe:
        httpGet:
          path: /readyz
          port: metrics
        periodSeconds: 10
        timeoutSeconds: 5
      resources:
        {{- toYaml .Values.resources | nindent 8 }}
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities:
          drop:
            - ALL
      volumeMounts:
        - name: cache
          mountPath: /var/cache/drupelet
  volumes:
    - name: cache
      emptyDir:
        sizeLimit: {{ .Values.cache.sizeLimit }}
  {{- with .Values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}
