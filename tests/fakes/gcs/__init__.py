"""Cloud Storage on loopback, strict, at Google's own names and with its certificates.

TensorFlow's C++ client speaks to https://storage.googleapis.com and to nothing else. So
this one lives in a world of its own, in which that name leads to it.

    python -m tests.fakes.gcs.world FOLDER COMMAND...

api              what the JSON API answers
fields           partial responses, as `fields=` asks for them
listening        HTTP and HTTPS
metadata_server  who a machine of Google's is, and its token
objects          buckets, whose objects are files of a folder
request          what was asked, and what is answered
uploads          simple, multipart and resumable
world            namespaces of network and mounts, and a command in them
"""
