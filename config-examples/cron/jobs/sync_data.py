"""Stands for what fetches data: notes when it ran."""
import datetime

print('synchronized at', datetime.datetime.now(datetime.timezone.utc).isoformat(timespec='seconds'))
