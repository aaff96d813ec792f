package future

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// longestValue is the number of bytes that String shows of a metadata value.
const longestValue = 40

// String describes the pending on one line, for logs. The signs mean: 🏃 not done, 🏁 done,
// ❗ failed, ⛔ marked cancelled. Line ends, as between joined causes, are shown as
// semicolons.
func (c *Core) String() string {
	id := c.ID()
	c.mu.Lock()
	flags, err, name := c.flags.Load(), c.err, c.nameLocked()
	metadata := maps.Clone(c.details.Metadata)
	c.mu.Unlock()

	var s strings.Builder
	s.WriteString("<Pending")
	if flags&flagCancelled != 0 {
		fmt.Fprintf(&s, " ⛔ %v", err)
	}
	if err != nil && flags&flagDone != 0 {
		c.seeError()
	}
	switch {
	case flags&flagDone == 0:
		s.WriteString(" 🏃")
	case err != nil && flags&flagCancelled == 0:
		fmt.Fprintf(&s, " ❗ %v", err)
	default:
		s.WriteString(" 🏁")
	}
	if name != "" {
		s.WriteString(" " + name)
	}
	fmt.Fprintf(&s, " #%d", id)
	describe(metadata, &s)
	s.WriteString(">")
	return strings.ReplaceAll(s.String(), "\n", "; ")
}

// describe adds the metadata that is not in the description already.
func describe(m map[string]any, s *strings.Builder) {
	for _, key := range slices.Sorted(maps.Keys(m)) {
		if key == "func" || key == "caller" {
			continue
		}
		value := fmt.Sprint(m[key])
		if len(value) > longestValue {
			value = strings.ToValidUTF8(value[:longestValue], "") + "…"
		}
		fmt.Fprintf(s, " %s=%s", key, value)
	}
}

// label names the pending in errors. Unlike String it does not read the
// metadata, which user code may change at any time.
func (c *Core) label() string {
	if name := c.Name(); name != "" {
		return fmt.Sprintf("%s #%d", name, c.ID())
	}
	return fmt.Sprintf("pending #%d", c.ID())
}

// Label names a pending in errors.
func Label(c *Core) string { return c.label() }
