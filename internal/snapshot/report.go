package snapshot

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"time"
)

const (
	// MostReported bounds an answer, in bytes.
	MostReported = 2 << 20
	// leastReported is what an answer may have at least.
	leastReported = 8 << 10
	// mostElements bounds the lists of a report, all together.
	mostElements = 40_000
	// mostAsked bounds a question, in bytes, and mostLimit its limit.
	mostAsked = 4 << 10
	mostLimit = 1000
	// mostNeeds bounds the calls that one call needs.
	mostNeeds = 64
	// deepest is how far a report is nested, at most.
	deepest = 16
	// farthest is how far from now a time of a report is that is believed.
	farthest = 100 * 365 * 24 * time.Hour
)

// EncodeQuestion returns a question as it travels.
func EncodeQuestion(q Question) ([]byte, error) { return json.Marshal(q) }

// Bounded returns a question with limits that are sound.
func (q Question) Bounded() Question {
	q.Limit = min(max(q.Limit, 1), mostLimit)
	q.Bytes = min(max(q.Bytes, leastReported), MostReported)
	return q
}

// DecodeQuestion returns a question that has traveled, with limits that are sound.
func DecodeQuestion(data []byte) (q Question, err error) {
	if len(data) > mostAsked {
		return q, fmt.Errorf("a question of %d bytes", len(data))
	}
	if err := json.Unmarshal(data, &q); err != nil {
		return q, err
	}
	return q.Bounded(), nil
}

// EncodeReport returns a report as it travels, in at most so many bytes if that can be.
// For that it leaves out callers, calls and other things. It changes the report.
func EncodeReport(r *Report, q Question) ([]byte, error) {
	limit := max(1, q.Limit)
	for r.trim(limit); limit > 1 && elements(r) > mostElements; r.trim(limit) {
		limit /= 2
	}
	for tidy(reflect.ValueOf(r)); ; limit /= 2 {
		r.trim(limit)
		data, err := json.Marshal(r)
		if err != nil || limit == 1 || len(data) <= q.Bytes {
			return data, err
		}
	}
}

// elements returns how many elements the lists of a report have, all together.
func elements(r *Report) (n int) {
	each(reflect.ValueOf(r), "", func(v reflect.Value, _ reflect.StructTag) bool {
		if v.Kind() == reflect.Slice {
			n += v.Len()
		}
		return false
	})
	return n
}

// trim leaves at most so many of each kind of thing. What is left out of callers and calls
// is counted.
func (r *Report) trim(limit int) {
	s, n := r.System, r.Node
	if len(s.Callers) > limit {
		s.Omitted += len(s.Callers) - limit
		s.Callers = busiestFirst(s.Callers, limit)
	}
	for i := range s.Callers {
		c := &s.Callers[i]
		c.Suspended, c.Delayed, c.Queues = first(c.Suspended, limit), first(c.Delayed, limit), first(c.Queues, limit)
	}
	s.Failures, s.Stopped = last(s.Failures, limit), last(s.Stopped, limit)
	n.Members, n.Identities = first(n.Members, limit), first(n.Identities, limit)
	n.Sessions, n.Calls = first(n.Sessions, limit), first(n.Calls, limit)
}

// busiestFirst returns so many of the callers, in their order: those that do nothing go
// first.
func busiestFirst(callers []Caller, n int) []Caller {
	idle := len(callers) - n
	left := make([]Caller, 0, n)
	for _, c := range callers {
		if idle > 0 && c.IsIdle() {
			idle--
			continue
		}
		if len(left) < n {
			left = append(left, c)
		}
	}
	return left
}

func first[T any](all []T, n int) []T { return all[:min(len(all), n)] }

func last[T any](all []T, n int) []T { return all[max(0, len(all)-n):] }

var errNoReport = errors.New("it is no report")

// DecodeReport returns a report that has traveled. Whoever has sent it may have meant harm.
// So the report is no larger than q has asked for, and its texts are as by [Clean]. Its
// callers are a tree. Its times are by the clock of this node, where it is now.
func DecodeReport(data []byte, q Question, now time.Time) (*Report, error) {
	if len(data) > q.Bytes {
		return nil, fmt.Errorf("%w: it has %d bytes", errNoReport, len(data))
	}
	if err := checkShape(data); err != nil {
		return nil, fmt.Errorf("%w: %w", errNoReport, err)
	}
	var r Report
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, fmt.Errorf("%w: %w", errNoReport, err)
	}
	if r.System == nil || r.Node == nil {
		return nil, fmt.Errorf("%w: parts are missing", errNoReport)
	}
	r.trim(q.Limit)
	tidy(reflect.ValueOf(&r))
	if err := r.System.check(); err != nil {
		return nil, fmt.Errorf("%w: %w", errNoReport, err)
	}
	shift(reflect.ValueOf(&r), now.Sub(r.Taken), now)
	r.Taken = now
	return &r, nil
}

// checkShape returns why JSON is not decoded: its lists are too long, or it is nested too
// deep. Lists need much more memory than their JSON.
func checkShape(data []byte) error {
	d := json.NewDecoder(bytes.NewReader(data))
	var lists []bool // whether what is open is a list
	elements := 0
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if n := len(lists); n > 0 && lists[n-1] {
			elements++
		}
		switch token {
		case json.Delim('['), json.Delim('{'):
			lists = append(lists, token == json.Delim('['))
		case json.Delim(']'), json.Delim('}'):
			lists = lists[:len(lists)-1]
		}
		if elements > mostElements || len(lists) > deepest {
			return fmt.Errorf("it has more than %d elements, or is nested deeper than %d", mostElements, deepest)
		}
	}
}

// check returns why the callers are not those of a system. A caller whose parent is not one
// by its id has none.
func (s *System) check() error {
	ids := make(map[string]bool, len(s.Callers))
	for i := range s.Callers {
		c := &s.Callers[i]
		if ids[c.ID] {
			return errors.New("two callers have one id")
		}
		ids[c.ID] = true
		if !strings.HasPrefix(c.ID, c.Parent+"/") {
			c.Parent = ""
		}
		for j := range c.Delayed {
			c.Delayed[j].checkTrace()
		}
	}
	for call := range s.calls {
		call.checkTrace()
		if w := call.WaitsFor; w != nil {
			w.Needs, w.Promises = first(w.Needs, mostNeeds), first(w.Promises, mostNeeds)
		}
	}
	return nil
}

// checkTrace leaves the ids of a trace out that are none.
func (c *Call) checkTrace() {
	if !isHex(c.TraceID, 16) || !isHex(c.SpanID, 8) {
		c.TraceID, c.SpanID = "", ""
	}
	if !isHex(c.ParentSpan, 8) {
		c.ParentSpan = ""
	}
}

// isHex reports whether text is so many bytes in hexadecimal.
func isHex(text string, n int) bool {
	b, err := hex.DecodeString(text)
	return err == nil && len(b) == n
}

// Tidy makes all texts of a node as they are shown.
func (n *Node) Tidy() { tidy(reflect.ValueOf(n)) }

// tidy makes all texts of a value as by [Clean], or those that are ids as by [CleanID].
func tidy(v reflect.Value) {
	each(v, "", func(v reflect.Value, tag reflect.StructTag) bool {
		if v.Kind() != reflect.String {
			return false
		}
		if _, isID := tag.Lookup("id"); isID {
			v.SetString(CleanID(v.String()))
		} else {
			v.SetString(Clean(v.String()))
		}
		return true
	})
}

// shift moves all times of a value. Those that are far from now are unknown.
func shift(v reflect.Value, by time.Duration, now time.Time) {
	each(v, "", func(v reflect.Value, _ reflect.StructTag) bool {
		t, ok := v.Addr().Interface().(*time.Time)
		if !ok || t.IsZero() {
			return ok
		}
		*t = t.Add(by)
		if t.Sub(now).Abs() > farthest {
			*t = time.Time{}
		}
		return true
	})
}

// each calls f with the parts of a value that can be set, from outside to inside. The tag is
// that of the field that the part is. f reports whether to go no further.
func each(v reflect.Value, tag reflect.StructTag, f func(reflect.Value, reflect.StructTag) bool) {
	if v.CanSet() && f(v, tag) {
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			each(v.Elem(), tag, f)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if field := v.Type().Field(i); field.IsExported() {
				each(v.Field(i), field.Tag, f)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			each(v.Index(i), tag, f)
		}
	}
}
