"""What the command line asks of Vertex AI; each module is one noun of it.

request     a compiled job -> the request that starts it
schedules   runs at set times; schedule_file is what somebody wants, schedule_request
            the message of it, schedule_plan what must happen
backfill    the days that a schedule left out
"""
