"""Stands for a report: says how often the data were synchronized."""
import pathlib

log = pathlib.Path('/var/log/sync.log')
print('synchronized', len(log.read_text().splitlines()) if log.exists() else 0, 'times')
