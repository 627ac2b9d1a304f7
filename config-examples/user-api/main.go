// A small REST API on a PostgreSQL database. `api migrate` brings the database up to date and ends.
package main

import (
	"database/sql"
	"encoding/json"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"time"

	_ "github.com/lib/pq"
)

type User struct {
	ID    int    `json:"id"`
	Name  string `json:"name"`
	Email string `json:"email"`
}

var db *sql.DB

func main() {
	var err error
	db, err = sql.Open("postgres", os.Getenv("DATABASE_URL"))
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()

	if len(os.Args) > 1 && os.Args[1] == "migrate" {
		migrate()
		return
	}

	http.HandleFunc("/health", healthHandler)
	http.HandleFunc("/users", usersHandler)

	log.Println("Listening on :8080")
	log.Fatal(http.ListenAndServe(":8080", nil))
}

// The database may come up later than this VM.
func waitForDatabase() error {
	var err error
	for attempt := 0; attempt < 60; attempt++ {
		if err = db.Ping(); err == nil {
			return nil
		}
		time.Sleep(time.Second)
	}
	return err
}

func migrate() {
	if err := waitForDatabase(); err != nil {
		log.Fatal(err)
	}
	files, err := filepath.Glob("/migrations/*.sql")
	if err != nil {
		log.Fatal(err)
	}
	for _, file := range files {
		if err := apply(file); err != nil {
			log.Fatalf("cannot apply %s: %v", file, err)
		}
		log.Println("applied", file)
	}
}

// Replicas that start at once take turns: two that create a table IF NOT EXISTS may both find none.
func apply(file string) error {
	statements, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	turn, err := db.Begin()
	if err != nil {
		return err
	}
	defer turn.Rollback()
	if _, err := turn.Exec("SELECT pg_advisory_xact_lock(1)"); err != nil {
		return err
	}
	if _, err := turn.Exec(string(statements)); err != nil {
		return err
	}
	return turn.Commit()
}

func healthHandler(w http.ResponseWriter, r *http.Request) {
	if err := db.Ping(); err != nil {
		http.Error(w, "Database unavailable", http.StatusServiceUnavailable)
		return
	}
	json.NewEncoder(w).Encode(map[string]string{"status": "healthy"})
}

func usersHandler(w http.ResponseWriter, r *http.Request) {
	log.Println(r.Method, r.URL.Path)
	if r.Method == http.MethodPost {
		addUser(w, r)
		return
	}
	rows, err := db.Query("SELECT id, name, email FROM users ORDER BY id")
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer rows.Close()

	users := []User{}
	for rows.Next() {
		var u User
		if err := rows.Scan(&u.ID, &u.Name, &u.Email); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		users = append(users, u)
	}
	json.NewEncoder(w).Encode(users)
}

func addUser(w http.ResponseWriter, r *http.Request) {
	var u User
	if err := json.NewDecoder(r.Body).Decode(&u); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	err := db.QueryRow("INSERT INTO users (name, email) VALUES ($1, $2) RETURNING id", u.Name, u.Email).Scan(&u.ID)
	if err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}
	w.WriteHeader(http.StatusCreated)
	json.NewEncoder(w).Encode(u)
}
