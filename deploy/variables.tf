variable "project" {
  description = "Id of the Google Cloud project."
  type        = string
}

variable "region" {
  description = "Where everything is, such as europe-west4; vertex.region of the configuration."
  type        = string
  default     = "europe-west4"
}

variable "bucket" {
  description = "Name of the bucket for data, artifacts and models; world-wide unique."
  type        = string
}

variable "secrets" {
  description = "Names of the secrets that notification channels refer to; values are not kept here."
  type        = set(string)
  default     = []
}

variable "submitters" {
  description = "People who may start runs, such as user:ada@example.com."
  type        = set(string)
  default     = []
}

variable "github_repository" {
  description = "OWNER/NAME whose release workflow may publish; empty: none."
  type        = string
  default     = ""
}
