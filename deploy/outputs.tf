output "output_root" {
  value = "gs://${google_storage_bucket.data.name}/millrace"
}

output "image" {
  description = "Without its digest, which the build prints."
  value       = "${var.region}-docker.pkg.dev/${var.project}/${google_artifact_registry_repository.images.name}/millrace"
}

output "templates" {
  value = "https://${var.region}-kfp.pkg.dev/${var.project}/${google_artifact_registry_repository.templates.name}"
}

output "service_account" {
  value = google_service_account.runner.email
}

output "scheduler" {
  value = google_service_account.scheduler.email
}

output "builder" {
  value = google_service_account.builder.email
}

output "workload_identity_provider" {
  value = one(google_iam_workload_identity_pool_provider.github[*].name)
}
