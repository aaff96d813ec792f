package pending

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// longestValue is how much of a metadata value String shows, in bytes.
const longestValue = 40

// String implements [Handle]. The signs are the seed's: 🏃 not done, 🏁 done,
// ❗ failed, ⛔ marked cancelled. Line ends, as between joined causes, are shown
// as semicolons.
func (b *base) String() string {
	id := b.ID()
	b.mu.Lock()
	defer b.mu.Unlock()
	var s strings.Builder
	s.WriteString("<Pending")
	flags := b.flags.Load()
	if flags&flagCancelled != 0 {
		fmt.Fprintf(&s, " ⛔ %v", b.err)
	}
	switch {
	case flags&flagDone == 0:
		s.WriteString(" 🏃")
	case b.err != nil && flags&flagCancelled == 0:
		fmt.Fprintf(&s, " ❗ %v", b.err)
	default:
		s.WriteString(" 🏁")
	}
	if name := b.nameLocked(); name != "" {
		s.WriteString(" " + name)
	}
	fmt.Fprintf(&s, " #%d", id)
	b.describe(&s)
	s.WriteString(">")
	return strings.ReplaceAll(s.String(), "\n", "; ")
}

// describe adds the metadata that is not in the description already.
func (b *base) describe(s *strings.Builder) {
	metadata := b.extra.metadata
	for _, key := range slices.Sorted(maps.Keys(metadata)) {
		if key == "func" || key == "caller" {
			continue
		}
		value := fmt.Sprint(metadata[key])
		if len(value) > longestValue {
			value = strings.ToValidUTF8(value[:longestValue], "") + "…"
		}
		fmt.Fprintf(s, " %s=%s", key, value)
	}
}
