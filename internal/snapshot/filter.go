package snapshot

import (
	"path"
	"slices"
	"strings"
)

// Filter says which callers a picture shows. The zero Filter shows all.
type Filter struct {
	Name   string   // a pattern, as of [path.Match]; "" for any
	States []string // none for any
	Below  string   // the id of a caller that is shown, and its descendants, as [CleanID] shows it; "" for all
}

// IsZero reports whether all callers are shown.
func (f *Filter) IsZero() bool { return f.Name == "" && len(f.States) == 0 && f.Below == "" }

// Keeps reports whether a caller is shown, by what is known of it before Queued.
func (f *Filter) Keeps(c Caller) bool {
	if matched, err := path.Match(f.Name, c.Name); f.Name != "" && (err != nil || !matched) {
		return false
	}
	if len(f.States) > 0 && !slices.Contains(f.States, c.State) {
		return false
	}
	return f.Below == "" || isBelow(c.ID, f.Below)
}

// isBelow reports whether a caller is shown with the id top, or descends from the one that
// is. The id of a descendant begins with those of its ancestors.
func isBelow(id, top string) bool {
	if id == top || strings.HasPrefix(id, top) && id[len(top)] == '/' {
		return true
	}
	if !hasHash(top) {
		return false
	}
	for end := len(id); end >= 0; end = strings.LastIndexByte(id[:end], '/') {
		if CleanID(id[:end]) == top {
			return true
		}
	}
	return false
}
