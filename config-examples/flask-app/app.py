from flask import Flask, render_template, request, jsonify
import sqlite3

app = Flask(__name__)

def get_db():
    conn = sqlite3.connect('/app/data/app.db')
    conn.row_factory = sqlite3.Row
    return conn

@app.route('/')
def index():
    return render_template('index.html')

@app.route('/api/items', methods=['GET', 'POST'])
def items():
    db = get_db()

    if request.method == 'POST':
        data = request.get_json()
        db.execute('INSERT INTO items (name, description) VALUES (?, ?)',
                   (data['name'], data['description']))
        db.commit()
        return jsonify({'status': 'created'}), 201

    items = db.execute('SELECT * FROM items').fetchall()
    return jsonify([dict(row) for row in items])

@app.route('/health')
def health():
    return jsonify({'status': 'healthy'})

if __name__ == '__main__':
    app.run(host='0.0.0.0', port=5000)
