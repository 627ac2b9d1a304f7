"""Makes the table at the first start; the folder may be a volume."""
import os
import sqlite3

os.makedirs('/app/data', exist_ok=True)
with sqlite3.connect('/app/data/app.db') as db:
    db.execute('CREATE TABLE IF NOT EXISTS items '
               '(id INTEGER PRIMARY KEY, name TEXT NOT NULL, description TEXT NOT NULL)')
