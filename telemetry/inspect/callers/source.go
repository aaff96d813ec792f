package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
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

// withNodes returns the source of snapshots that show other nodes as well.
func (s source) withNodes() source { return s + "?nodes=yes" }

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
	if err := checkOne(s); err != nil {
		return err
	}
	nodes := s.Nodes[:0]
	for _, n := range s.Nodes {
		if n == nil {
			continue
		}
		nodes = append(nodes, n)
		if n.Snapshot == nil {
			continue
		}
		if n.Snapshot.Node == nil {
			return errMalformed
		}
		n.Snapshot.Nodes, n.Snapshot.Across = nil, nil
		if err := checkOne(n.Snapshot); err != nil {
			return err
		}
	}
	s.Nodes = nodes
	cleanAll(reflect.ValueOf(s))
	return nil
}

// cleanAll makes all texts of a value harmless.
func cleanAll(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			cleanAll(v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				cleanAll(v.Field(i))
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			cleanAll(v.Index(i))
		}
	case reflect.String:
		v.SetString(clean(v.String()))
	}
}

// checkOne makes the callers of a snapshot a tree, and leaves out what is missing.
func checkOne(s *inspect.Snapshot) error {
	depths := make(map[string]int, len(s.Callers))
	for _, c := range s.Callers {
		if c == nil {
			return errMalformed
		}
		c.ID, c.Parent = clean(c.ID), clean(c.Parent)
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
		c.Suspended, c.Delayed = present(c.Suspended), present(c.Delayed)
	}
	addChildren(s)
	for len(s.Tails) < len(s.Circles) {
		s.Tails = append(s.Tails, nil)
	}
	return nil
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
