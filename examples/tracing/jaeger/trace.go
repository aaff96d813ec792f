package jaeger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Span is one span of a trace.
type Span struct {
	TraceID    string
	ID, Parent string
	Service    string
	Name       string
	Kind       string // as in a search: internal, server, client, producer, consumer
	Start, End time.Time
	Attributes map[string]string
	Events     []Event
	Links      []Link
	Failed     bool   // its status is an error
	Message    string // of the status
}

// Event is something that happened during a span.
type Event struct {
	Name       string
	Time       time.Time
	Attributes map[string]string
}

// Link leads to a span that is not the parent.
type Link struct{ TraceID, SpanID string }

// poll is how often Jaeger is asked again.
const poll = 20 * time.Millisecond

// searchDepth is how many traces a search finds at most.
const searchDepth = 1000

// Trace asks for a trace until complete, or ctx ends: Jaeger takes the spans as
// they come, and tells nobody.
func (s *Server) Trace(ctx context.Context, id string, complete func([]Span) bool) ([]Span, error) {
	return s.until(ctx, "/"+id, complete)
}

// Linked asks for the spans of that name, in any trace, that have a link to the
// trace. It asks until they are complete, or ctx ends.
func (s *Server) Linked(
	ctx context.Context, service, name, id string, complete func([]Span) bool,
) ([]Span, error) {
	linked := func(spans []Span) []Span {
		return slices.DeleteFunc(spans, func(s Span) bool {
			return !slices.ContainsFunc(s.Links, func(l Link) bool { return l.TraceID == id })
		})
	}
	spans, err := s.Search(ctx, service, name, func(spans []Span) bool { return complete(linked(slices.Clone(spans))) })
	return linked(spans), err
}

// Search asks for the traces of a service that have a span of that name, until complete, or
// ctx ends. It returns all spans of these traces.
func (s *Server) Search(ctx context.Context, service, name string, complete func([]Span) bool) ([]Span, error) {
	now := time.Now()
	return s.until(ctx, "?"+url.Values{
		"query.num_traces":     {strconv.Itoa(searchDepth)},
		"query.service_name":   {service},
		"query.operation_name": {name},
		"query.start_time_min": {now.Add(-time.Hour).Format(time.RFC3339Nano)},
		"query.start_time_max": {now.Add(time.Hour).Format(time.RFC3339Nano)},
	}.Encode(), complete)
}

func (s *Server) until(ctx context.Context, what string, complete func([]Span) bool) ([]Span, error) {
	ticker := time.NewTicker(poll)
	defer ticker.Stop()
	for {
		spans, err := s.ask(ctx, what)
		if err != nil {
			return nil, err
		}
		if complete(spans) {
			return spans, nil
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return spans, fmt.Errorf("jaeger: traces%s: not complete, there are %d spans: %w", what, len(spans), context.Cause(ctx))
		}
	}
}

// ask uses the third version of the API: in the one before a link to the parent
// hides the parent.
func (s *Server) ask(ctx context.Context, what string) ([]Span, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.API+"/api/v3/traces"+what, http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("jaeger: %w", err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, fmt.Errorf("jaeger: %w", err)
	}
	defer response.Body.Close()
	switch response.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound:
		return nil, nil
	default:
		return nil, fmt.Errorf("jaeger: traces%s: %s", what, response.Status)
	}
	var spans []Span
	for decoder := json.NewDecoder(response.Body); ; {
		var a answer
		switch err := decoder.Decode(&a); {
		case errors.Is(err, io.EOF):
			return spans, nil
		case err != nil:
			return nil, fmt.Errorf("jaeger: traces%s: %w", what, err)
		}
		spans = append(spans, a.spans()...)
	}
}

// answer is a part of a trace in the JSON of OTLP: what one process has sent.
type answer struct {
	Result struct {
		ResourceSpans []struct {
			Resource struct {
				Attributes attributes `json:"attributes"`
			} `json:"resource"`
			ScopeSpans []struct {
				Spans []span `json:"spans"`
			} `json:"scopeSpans"`
		} `json:"resourceSpans"`
	} `json:"result"`
}

type span struct {
	TraceID      string     `json:"traceId"`
	SpanID       string     `json:"spanId"`
	ParentSpanID string     `json:"parentSpanId"`
	Name         string     `json:"name"`
	Kind         int        `json:"kind"`
	Start        nanosecond `json:"startTimeUnixNano"`
	End          nanosecond `json:"endTimeUnixNano"`
	Attributes   attributes `json:"attributes"`
	Events       []struct {
		Name       string     `json:"name"`
		Time       nanosecond `json:"timeUnixNano"`
		Attributes attributes `json:"attributes"`
	} `json:"events"`
	Links []struct {
		TraceID string `json:"traceId"`
		SpanID  string `json:"spanId"`
	} `json:"links"`
	Status struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	} `json:"status"`
}

// nanosecond is a time since 1970, in quotes.
type nanosecond int64

// UnmarshalJSON implements [json.Unmarshaler].
func (n *nanosecond) UnmarshalJSON(text []byte) error {
	quoted, err := strconv.Unquote(string(text))
	if err != nil {
		return err
	}
	number, err := strconv.ParseInt(quoted, 10, 64)
	*n = nanosecond(number)
	return err
}

func (n nanosecond) time() time.Time { return time.Unix(0, int64(n)) }

type attributes []struct {
	Key   string                     `json:"key"`
	Value map[string]json.RawMessage `json:"value"` // one pair, of type and value
}

func (a attributes) texts() map[string]string {
	texts := make(map[string]string, len(a))
	for _, attribute := range a {
		if strings.HasPrefix(attribute.Key, "@jaeger@") { // what Jaeger itself says of the span
			continue
		}
		for _, value := range attribute.Value {
			var text string
			if json.Unmarshal(value, &text) != nil {
				text = string(value) // no string
			}
			texts[attribute.Key] = text
		}
	}
	return texts
}

// kinds are the kinds of OTLP by number.
var kinds = map[int]string{1: "internal", 2: "server", 3: "client", 4: "producer", 5: "consumer"}

const statusError = 2

func (a *answer) spans() []Span {
	var spans []Span
	for _, resource := range a.Result.ResourceSpans {
		service := resource.Resource.Attributes.texts()["service.name"]
		for _, scope := range resource.ScopeSpans {
			for _, s := range scope.Spans {
				spans = append(spans, s.of(service))
			}
		}
	}
	return spans
}

func (s *span) of(service string) Span {
	result := Span{
		TraceID:    s.TraceID,
		ID:         s.SpanID,
		Parent:     s.ParentSpanID,
		Service:    service,
		Name:       s.Name,
		Kind:       kinds[s.Kind],
		Start:      s.Start.time(),
		End:        s.End.time(),
		Attributes: s.Attributes.texts(),
		Failed:     s.Status.Code == statusError,
		Message:    s.Status.Message,
	}
	for _, event := range s.Events {
		result.Events = append(result.Events, Event{event.Name, event.Time.time(), event.Attributes.texts()})
	}
	// Jaeger has them in the order of their names.
	slices.SortStableFunc(result.Events, func(a, b Event) int { return a.Time.Compare(b.Time) })
	for _, link := range s.Links {
		result.Links = append(result.Links, Link{link.TraceID, link.SpanID})
	}
	return result
}
