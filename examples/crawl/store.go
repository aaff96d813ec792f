package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	_ "modernc.org/sqlite" // the driver "sqlite", in Go alone

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/props"
)

const schema = `
CREATE TABLE IF NOT EXISTS pages (
	url    TEXT PRIMARY KEY,
	status INTEGER NOT NULL,
	title  TEXT NOT NULL,
	error  TEXT NOT NULL,
	links  INTEGER NOT NULL -- how many rows of links there are
);
CREATE TABLE IF NOT EXISTS links (
	source TEXT NOT NULL,
	target TEXT NOT NULL,
	PRIMARY KEY (source, target)
);`

// store owns the database. Only functions of its caller touch it.
type store struct {
	caller *actors.Caller
	db     *sql.DB
	tally  tally

	// pages are written in the order in which they are put. When as many as
	// fit in are waiting, whoever puts another one waits too.
	pages *actors.Queue[page]
}

// tally counts pages.
type tally struct{ written, unanswered, lost int }

// openStore returns a store whose caller is a child of root.
func openStore(ctx context.Context, root *actors.Caller, file string) (*store, error) {
	caller, err := root.Child(props.Name("store"))
	if err != nil {
		return nil, err
	}
	s := &store{caller: caller}
	s.pages = actors.NewQueue(caller, s.write, actors.QueueName("pages"), actors.QueueCapacity(10))
	_, err = actors.CallSoon(ctx, caller, func(ctx context.Context) (any, error) {
		s.db, err = sql.Open("sqlite", file)
		if err != nil {
			return nil, err
		}
		if _, err = s.db.ExecContext(ctx, schema); err != nil {
			return nil, errors.Join(err, s.db.Close())
		}
		return nil, nil
	}).Wait(ctx)
	if err != nil {
		return nil, fmt.Errorf("database %s: %w", file, err)
	}
	return s, nil
}

// write is the function of the queue. A page comes with all its links or not at
// all.
func (s *store) write(ctx context.Context, p page) (err error) {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, tx.Rollback())
		}
	}()
	if _, err := tx.ExecContext(ctx, "DELETE FROM links WHERE source = ?", p.url); err != nil {
		return err
	}
	insert, err := tx.PrepareContext(ctx, "INSERT INTO links VALUES (?, ?)")
	if err != nil {
		return err
	}
	defer insert.Close()
	for _, target := range p.links {
		if _, err := insert.ExecContext(ctx, p.url, target); err != nil {
			return err
		}
	}
	_, err = tx.ExecContext(ctx, "INSERT OR REPLACE INTO pages VALUES (?, ?, ?, ?, ?)",
		p.url, p.status, p.title, p.err, len(p.links))
	if err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	s.tally.written++
	if p.status == 0 {
		s.tally.unanswered++
	}
	return nil
}

// close writes the pages that are waiting and closes the database. It returns
// how many were written, how many of those had no answer, and how many could not
// be written.
func (s *store) close(ctx context.Context) (tally, error) {
	if err := s.pages.CloseWait(ctx); err != nil {
		return tally{}, err
	}
	return actors.CallSoon(ctx, s.caller, func(context.Context) (tally, error) {
		s.tally.lost = s.pages.Failed()
		return s.tally, s.db.Close()
	}).Wait(ctx)
}
