# The smallest project that Millrace runs in. Never applied where it was written: read the
# plan.
terraform {
  required_version = ">= 1.5"
  required_providers {
    google = {
      source  = "hashicorp/google"
      version = ">= 6.0, < 8.0"
    }
  }
}

provider "google" {
  project = var.project
  region  = var.region
}

resource "google_project_service" "used" {
  for_each = toset([
    "aiplatform.googleapis.com",
    "artifactregistry.googleapis.com",
    "cloudbuild.googleapis.com",
    "cloudresourcemanager.googleapis.com",
    "compute.googleapis.com",
    "dataflow.googleapis.com",
    "iam.googleapis.com",
    "iamcredentials.googleapis.com",
    "logging.googleapis.com",
    "secretmanager.googleapis.com",
    "serviceusage.googleapis.com",
    "storage.googleapis.com",
    "sts.googleapis.com",
  ])
  service            = each.value
  disable_on_destroy = false
}

# Data, artifacts, what people were told, pushed models.
resource "google_storage_bucket" "data" {
  name                        = var.bucket
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  depends_on                  = [google_project_service.used]
}

resource "google_artifact_registry_repository" "images" {
  repository_id = "millrace"
  format        = "DOCKER"
  location      = var.region
  depends_on    = [google_project_service.used]
}

resource "google_artifact_registry_repository" "templates" {
  repository_id = "pipelines"
  format        = "KFP"
  location      = var.region
  depends_on    = [google_project_service.used]
}

# The shells only. Their values come from a person: see README.md.
resource "google_secret_manager_secret" "channel" {
  for_each  = var.secrets
  secret_id = each.value
  replication {
    auto {}
  }
  depends_on = [google_project_service.used]
}
