"""The pipeline on Vertex AI: compiled, rehearsed here, submitted, scheduled.

job/        the compiled job: TFX's output, completed and corrected
rehearsal/  the compiled job, executed on this machine
runs/       runs on Vertex AI: submitted, followed, ended, shown
schedules/  runs on Vertex AI at set times
templates/  the compiled pipeline as a template that others run
"""
