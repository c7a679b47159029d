"""What every test needs: Keras 3 in every process, no cloud, no surprise settings."""

import os

# Before any test module imports TensorFlow (field notes, trap 6).
os.environ["TF_USE_LEGACY_KERAS"] = "0"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ["NO_GCE_CHECK"] = "true"

from tests.fakes import server

# gRPC reads it once for the process, at the first connection.
os.environ["GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"] = str(server.roots())
