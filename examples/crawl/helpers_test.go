package main

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/seed-7fcaac1b/protocaller/examples/internal/clitest"
)

func TestMain(m *testing.M) {
	if clitest.IsProgram() {
		main() // it does not return
	}
	status := m.Run()
	if err := leaks(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		status = 1
	}
	os.Exit(status)
}

// leaks returns an error if goroutines are left. It asks several times, because
// a dead letter keeps one of protoactor's for a second, and goleak waits less.
func leaks() (err error) {
	for range 5 {
		if err = goleak.Find(); err == nil {
			return nil
		}
	}
	return err
}

func runArgs(ctx context.Context, args ...string) clitest.Outcome {
	var stdout, stderr bytes.Buffer
	status := run(ctx, args, &stdout, &stderr)
	return clitest.Outcome{Status: status, Stdout: stdout.String(), Stderr: stderr.String()}
}

// serve serves a site until the test ends.
func serve(t *testing.T, handler http.HandlerFunc) (url string) {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL + "/"
}

// newFile returns the name of a database that there is not yet.
func newFile(t *testing.T) string { return filepath.Join(t.TempDir(), "crawl.db") }

// storedPage is a row of the table pages.
type storedPage struct {
	page
	linkCount int
}

// readDatabase returns the pages of a database, by the end of their URLs, after
// having checked that it is consistent.
func readDatabase(t *testing.T, file string) map[string]storedPage {
	t.Helper()
	db, err := sql.Open("sqlite", file)
	require.NoError(t, err)
	defer db.Close()
	var sane string
	require.NoError(t, db.QueryRowContext(t.Context(), "PRAGMA integrity_check").Scan(&sane))
	assert.Equal(t, "ok", sane)
	var torn int
	require.NoError(t, db.QueryRowContext(t.Context(), `
		SELECT (SELECT count(*) FROM pages p WHERE links != (SELECT count(*) FROM links WHERE source = p.url))
		     + (SELECT count(*) FROM links WHERE source NOT IN (SELECT url FROM pages))`).Scan(&torn))
	assert.Zero(t, torn, "pages without some of their links, and the other way round")

	rows, err := db.QueryContext(t.Context(), "SELECT url, status, title, error, links FROM pages")
	require.NoError(t, err)
	defer rows.Close()
	pages := make(map[string]storedPage)
	for rows.Next() {
		var p storedPage
		require.NoError(t, rows.Scan(&p.url, &p.status, &p.title, &p.err, &p.linkCount))
		pages[filepath.Base(p.url)] = p
	}
	require.NoError(t, rows.Err())
	return pages
}
