package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/seed-7fcaac1b/protocaller/telemetry/inspect"
)

const (
	// mostBytes bounds the JSON that is read.
	mostBytes = 256 << 20
	// answerTime is how long the process may take.
	answerTime = 30 * time.Second
)

// source is where the snapshots are.
type source string

func newSource(address string) (source, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", fmt.Errorf("%q is no http URL", address)
	}
	u.Path = strings.TrimSuffix(u.Path, "/") + "/snapshot.json"
	return source(u.String()), nil
}

// snapshot returns what the process says now. What it says is made harmless.
func (s source) snapshot(ctx context.Context) (*inspect.Snapshot, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, string(s), nil)
	if err != nil {
		return nil, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(answer.Body, 200)) // it explains the status, at best
		return nil, fmt.Errorf("%s: %s", answer.Status, strings.TrimSpace(string(text)))
	}
	return read(answer.Body, mostBytes)
}

// read reads a snapshot of at most limit bytes.
func read(r io.Reader, limit int64) (*inspect.Snapshot, error) {
	bounded := &io.LimitedReader{R: r, N: limit + 1}
	var s inspect.Snapshot
	if err := json.NewDecoder(bounded).Decode(&s); err != nil {
		if bounded.N <= 0 {
			return nil, fmt.Errorf("the answer is longer than %d bytes", limit)
		}
		return nil, fmt.Errorf("the answer is no snapshot: %w", err)
	}
	if s.Version != inspect.Version {
		return nil, fmt.Errorf("the snapshot has version %d, and this command knows %d", s.Version, inspect.Version)
	}
	if err := check(&s); err != nil {
		return nil, err
	}
	return &s, nil
}

var errMalformed = errors.New("the answer is no snapshot: parts are missing")

// check makes all text of a snapshot harmless for a terminal, and its tree one that ends.
func check(s *inspect.Snapshot) error {
	s.System = clean(s.System)
	depths := make(map[string]int, len(s.Callers))
	for _, c := range s.Callers {
		if c == nil {
			return errMalformed
		}
		for _, text := range []*string{&c.ID, &c.Name, &c.Parent, &c.State, &c.Backend, &c.Host} {
			*text = clean(*text)
		}
		depths[c.ID] = 0
	}
	if len(depths) != len(s.Callers) {
		return errors.New("the answer is no snapshot: two callers have one id")
	}
	for _, c := range s.Callers {
		if c.Parent != "" && !strings.HasPrefix(c.ID, c.Parent+"/") {
			c.Parent = "" // else the tree could have no end
		}
		c.Children = nil
		for i := range c.Queues {
			c.Queues[i].Name = clean(c.Queues[i].Name)
		}
		for _, calls := range [][]*inspect.Call{{c.Running}, c.Suspended, c.Delayed} {
			for _, call := range calls {
				if call != nil {
					cleanCall(call)
				}
			}
		}
		c.Suspended, c.Delayed = present(c.Suspended), present(c.Delayed)
	}
	addChildren(s)
	for i := range s.Failures {
		f := &s.Failures[i]
		f.Caller, f.Call, f.Error = clean(f.Caller), clean(f.Call), clean(f.Error)
	}
	for len(s.Tails) < len(s.Circles) {
		s.Tails = append(s.Tails, nil)
	}
	return nil
}

func cleanCall(c *inspect.Call) {
	for _, text := range []*string{&c.Name, &c.Caller, &c.State, &c.TraceID, &c.SpanID} {
		*text = clean(*text)
	}
	if w := c.WaitsFor; w != nil {
		w.What, w.Kind, w.Caller = clean(w.What), clean(w.Kind), clean(w.Caller)
	}
	if p := c.Progress; p != nil {
		p.Text = clean(p.Text)
	}
}

// present returns the calls that are not nil.
func present(calls []*inspect.Call) (all []*inspect.Call) {
	for _, call := range calls {
		if call != nil {
			all = append(all, call)
		}
	}
	return all
}

// addChildren sets the children of the callers from their parents.
func addChildren(s *inspect.Snapshot) {
	byID := make(map[string]*inspect.Caller, len(s.Callers))
	for _, c := range s.Callers {
		byID[c.ID] = c
	}
	for _, c := range s.Callers {
		if parent := byID[c.Parent]; parent != nil {
			parent.Children = append(parent.Children, c.ID)
		}
	}
}
