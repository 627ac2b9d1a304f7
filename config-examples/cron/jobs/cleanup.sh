#!/bin/sh
# Removes what in /tmp is older than a week.
find /tmp -xdev -type f -mtime +7 -delete
