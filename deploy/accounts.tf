# Three accounts, and what each may do: on one bucket, one repository, one secret, where
# Google offers that.

# The pipeline's tasks run as it, on Vertex AI and on Dataflow.
resource "google_service_account" "runner" {
  account_id   = "millrace-runner"
  display_name = "Millrace: runs the tasks"
}

# Schedules and people start runs through it.
resource "google_service_account" "scheduler" {
  account_id   = "millrace-scheduler"
  display_name = "Millrace: starts runs"
}

# Continuous integration builds and publishes as it.
resource "google_service_account" "builder" {
  account_id   = "millrace-builder"
  display_name = "Millrace: builds and publishes"
}

locals {
  runner    = google_service_account.runner.member
  scheduler = google_service_account.scheduler.member
  builder   = google_service_account.builder.member

  project_roles = {
    "runner aiplatform"    = { role = "roles/aiplatform.user", member = local.runner }
    "runner logs"          = { role = "roles/logging.logWriter", member = local.runner }
    "runner dataflow"      = { role = "roles/dataflow.worker", member = local.runner }
    "runner dataflow jobs" = { role = "roles/dataflow.developer", member = local.runner }
    "scheduler aiplatform" = { role = "roles/aiplatform.user", member = local.scheduler }
    "scheduler services"   = { role = "roles/serviceusage.serviceUsageViewer", member = local.scheduler }
    "scheduler project"    = { role = "roles/browser", member = local.scheduler }
    "builder logs"         = { role = "roles/logging.logWriter", member = local.builder }
  }

  bucket_roles = {
    "runner objects"   = { role = "roles/storage.objectAdmin", member = local.runner }
    "runner bucket"    = { role = "roles/storage.legacyBucketReader", member = local.runner }
    "scheduler reads"  = { role = "roles/storage.objectViewer", member = local.scheduler }
    "scheduler bucket" = { role = "roles/storage.legacyBucketReader", member = local.scheduler }
  }

  repository_roles = {
    "runner image"       = { repository = "images", role = "roles/artifactregistry.reader", member = local.runner }
    "scheduler image"    = { repository = "images", role = "roles/artifactregistry.reader", member = local.scheduler }
    "scheduler template" = { repository = "templates", role = "roles/artifactregistry.reader", member = local.scheduler }
    "builder image"      = { repository = "images", role = "roles/artifactregistry.writer", member = local.builder }
    "builder template"   = { repository = "templates", role = "roles/artifactregistry.writer", member = local.builder }
  }

  repositories = {
    images    = google_artifact_registry_repository.images.name
    templates = google_artifact_registry_repository.templates.name
  }
}

resource "google_project_iam_member" "role" {
  for_each = local.project_roles
  project  = var.project
  role     = each.value.role
  member   = each.value.member
}

resource "google_storage_bucket_iam_member" "role" {
  for_each = local.bucket_roles
  bucket   = google_storage_bucket.data.name
  role     = each.value.role
  member   = each.value.member
}

resource "google_artifact_registry_repository_iam_member" "role" {
  for_each   = local.repository_roles
  location   = var.region
  repository = local.repositories[each.value.repository]
  role       = each.value.role
  member     = each.value.member
}

resource "google_secret_manager_secret_iam_member" "runner" {
  for_each  = google_secret_manager_secret.channel
  secret_id = each.value.id
  role      = "roles/secretmanager.secretAccessor"
  member    = local.runner
}

# Who starts a run lets its tasks be the runner; and a task starts Dataflow's workers.
resource "google_service_account_iam_member" "acts_as_runner" {
  for_each           = { scheduler = local.scheduler, runner = local.runner }
  service_account_id = google_service_account.runner.name
  role               = "roles/iam.serviceAccountUser"
  member             = each.value
}

resource "google_service_account_iam_member" "submitters" {
  for_each           = var.submitters
  service_account_id = google_service_account.scheduler.name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = each.value
}

# GitHub's workflow proves who it is without a key: its token is exchanged for the
# builder's, from this repository only.
resource "google_iam_workload_identity_pool" "github" {
  count                     = var.github_repository == "" ? 0 : 1
  workload_identity_pool_id = "github"
  depends_on                = [google_project_service.used]
}

resource "google_iam_workload_identity_pool_provider" "github" {
  count                              = var.github_repository == "" ? 0 : 1
  workload_identity_pool_id          = google_iam_workload_identity_pool.github[0].workload_identity_pool_id
  workload_identity_pool_provider_id = "github"
  attribute_condition                = "assertion.repository == '${var.github_repository}'"
  attribute_mapping = {
    "google.subject"       = "assertion.sub"
    "attribute.repository" = "assertion.repository"
  }
  oidc {
    issuer_uri = "https://token.actions.githubusercontent.com"
  }
}

resource "google_service_account_iam_member" "github" {
  count              = var.github_repository == "" ? 0 : 1
  service_account_id = google_service_account.builder.name
  role               = "roles/iam.workloadIdentityUser"
  member             = "principalSet://iam.googleapis.com/${google_iam_workload_identity_pool.github[0].name}/attribute.repository/${var.github_repository}"
}
