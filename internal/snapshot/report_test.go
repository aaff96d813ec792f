package snapshot

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// all asks for as much as there may be.
var all = Question{Limit: mostLimit, Bytes: MostReported}

// reportOf returns a report of a node with so many callers, each with calls that wait.
func reportOf(callers, calls int) *Report {
	now := time.Now()
	r := &Report{Taken: now, System: &System{ID: "system", Started: now}, Node: &Node{Address: "a"}}
	for i := range callers {
		c := Caller{ID: fmt.Sprintf("callers/c%05d", i), Name: fmt.Sprintf("c%05d", i), State: "running"}
		for j := range calls {
			c.Suspended = append(c.Suspended, Call{
				ID: uint64(j + 1), Name: "f", State: Waiting, Since: now.Add(-time.Minute), //nolint:gosec // It is small.
				WaitsFor: &Wait{What: "g", Kind: "call", Needs: []uint64{1, 2, 3}},
			})
		}
		c.SuspendedN = calls
		r.System.Callers = append(r.System.Callers, c)
	}
	return r
}

func TestReportsTravel(t *testing.T) {
	r := reportOf(2, 1)
	r.System.Callers[1].ID, r.System.Callers[1].Parent = "callers/c00000/b", "callers/c00000"
	r.System.Callers[1].Running = &Call{ID: 9, Name: "g", TraceID: strings.Repeat("0a", 16), SpanID: strings.Repeat("0b", 8)}
	data, err := EncodeReport(r, Question{Limit: 10, Bytes: MostReported})
	require.NoError(t, err)
	now := r.Taken.Add(3 * time.Hour) // the clocks of two nodes differ
	got, err := DecodeReport(data, all, now)
	require.NoError(t, err)
	assert.Equal(t, now, got.Taken)
	assert.WithinDuration(t, now.Add(-time.Minute), got.System.Callers[0].Suspended[0].Since, 0)
	assert.Equal(t, "callers/c00000", got.System.Callers[1].Parent)
	assert.Equal(t, r.System.Callers[1].Running, got.System.Callers[1].Running)
	assert.Equal(t, []uint64{1, 2, 3}, got.System.Callers[0].Suspended[0].WaitsFor.Needs)
}

func TestReportsAreAsSmallAsAskedFor(t *testing.T) {
	for _, test := range []struct{ callers, calls, bytes int }{
		{1000, 0, MostReported},
		{1000, 1000, MostReported},
		{1000, 0, leastReported},
		{1, 1000, leastReported},
		{200, 200, 64 << 10},
	} {
		data, err := EncodeReport(reportOf(test.callers, test.calls), Question{Limit: mostLimit, Bytes: test.bytes})
		require.NoError(t, err)
		assert.LessOrEqual(t, len(data), test.bytes)
		got, err := DecodeReport(data, all, time.Now())
		require.NoError(t, err)
		assert.Equal(t, test.callers, len(got.System.Callers)+got.System.Omitted)
		assert.Equal(t, test.calls, got.System.Callers[0].SuspendedN)
		assert.NotEmpty(t, got.System.Callers)
	}
}

func TestCallersThatDoSomethingAreReportedFirst(t *testing.T) {
	r := reportOf(100, 0)
	r.System.Callers[70].Queued = 1
	r.trim(3)
	var ids []string
	for _, c := range r.System.Callers {
		ids = append(ids, c.ID)
	}
	assert.Len(t, ids, 3)
	assert.Contains(t, ids, "callers/c00070")
	assert.Equal(t, 97, r.System.Omitted)
}

func TestReportsThatMeanHarmAreNotShown(t *testing.T) {
	report := func(callers string) string {
		return `{"Taken":"2026-01-02T03:04:05Z","System":{"Callers":[` + callers + `]},"Node":{}}`
	}
	for name, data := range map[string]string{
		"nothing":           ``,
		"null":              `null`,
		"parts are missing": `{}`,
		"no JSON":           `GET / HTTP/1.1`,
		"other JSON":        `[1,2,3]`,
		"two":               report("") + report(""),
		"cut":               report("")[:20],
		"too long":          report(`{"ID":"` + strings.Repeat("x", MostReported) + `"}`),
		"many callers":      report(strings.Repeat("{},", mostElements) + "{}"),
		"many nulls":        report(strings.Repeat("null,", mostElements) + "null"),
		"many numbers":      report(strings.Repeat("1,", mostElements) + "1"),
		"nested":            report(strings.Repeat("[", 1000) + strings.Repeat("]", 1000)),
		"nested objects":    report(strings.Repeat(`{"Running":`, 1000) + "1" + strings.Repeat("}", 1000)),
		"one id twice":      report(`{"ID":"a"},{"ID":"a"}`),
		"wrong types":       report(`{"ID":{}}`),
		"a negative id":     report(`{"ID":"a","Running":{"ID":-1}}`),
		"no time":           strings.Replace(report(""), "2026-01-02T03:04:05Z", "yesterday", 1),
	} {
		_, err := DecodeReport([]byte(data), all, time.Now())
		assert.ErrorIs(t, err, errNoReport, name)
	}
}

func TestWhatAReportSaysIsMadeHarmless(t *testing.T) {
	now := time.Date(2026, 11, 28, 0, 0, 0, 0, time.UTC)
	long := strings.Repeat("y", 5000)
	data := `{"Taken":"0001-01-01T00:00:00Z","System":{"Started":"9999-12-31T23:59:59Z","Callers":[
		{"ID":"a/b","Parent":"a/b/c","State":"\u001b[31m","Name":"` + long + `"},
		{"ID":"x","Parent":"y"},
		{"ID":"y","Parent":"x","Running":{"ID":1,"TraceID":"../../evil","SpanID":"1","Since":"9999-12-31T23:59:59Z","State":"\u202eevil"}}
	],"Failures":[{"Time":"0001-01-01T00:00:00Z","Caller":"` + long + `","Error":"\u0000"}]},"Node":{"Address":"\n","Members":[{"Kinds":["\r"]}]}}`
	r, err := DecodeReport([]byte(data), all, now)
	require.NoError(t, err)
	for i := range r.System.Callers {
		assert.Empty(t, r.System.Callers[i].Parent, "else the tree has no end")
	}
	c := r.System.Callers[2]
	assert.Zero(t, c.Running.Since)
	assert.Zero(t, r.System.Started)
	assert.Empty(t, c.Running.TraceID)
	assert.Equal(t, "\uFFFDevil", string(c.Running.State))
	assert.Equal(t, "\uFFFD[31m", r.System.Callers[0].State)
	assert.Equal(t, Clean(long), r.System.Callers[0].Name)
	assert.Equal(t, CleanID(long), r.System.Failures[0].Caller)
	assert.Equal(t, "\uFFFD", r.Node.Address)
	assert.Equal(t, "\uFFFD", r.Node.Members[0].Kinds[0])
}

func TestTextsAreCutOnce(t *testing.T) {
	for _, text := range []string{
		"", "short", strings.Repeat("x", 256), strings.Repeat("x", 257), strings.Repeat("ä", 200), "a\nb", "\xff\xfe" + strings.Repeat("\xff", 300),
		strings.Repeat("x", 255) + "ä", strings.Repeat("\u202e", 100), "x~0123456789abcdef", strings.Repeat("x", 300) + "~0123456789abcdef",
	} {
		cut := Clean(text)
		assert.LessOrEqual(t, len(cut), mostText+len("…"))
		assert.Equal(t, cut, Clean(cut), text)
		id := CleanID(text)
		assert.LessOrEqual(t, len(id), mostID)
		assert.Equal(t, id, CleanID(id), text)
	}
	a, b := strings.Repeat("x", 300)+"a", strings.Repeat("x", 300)+"b"
	assert.NotEqual(t, CleanID(a), CleanID(b))
}

func TestQuestionsAreBounded(t *testing.T) {
	q, err := DecodeQuestion([]byte(`{"Limit":1000000000,"Bytes":1000000000}`))
	require.NoError(t, err)
	assert.Equal(t, Question{Limit: mostLimit, Bytes: MostReported}, q)
	q, err = DecodeQuestion([]byte(`{"Limit":-1,"Bytes":-1}`))
	require.NoError(t, err)
	assert.Equal(t, Question{Limit: 1, Bytes: leastReported}, q)
	for _, data := range []string{"", "[]", `{"Limit":"x"}`, `{"Filter":{"Name":"` + strings.Repeat("*", mostAsked) + `"}}`} {
		_, err := DecodeQuestion([]byte(data))
		assert.Error(t, err, data)
	}
}

func TestFilterFindsDescendantsOfACallerWhoseIDIsCut(t *testing.T) {
	top := "callers/" + strings.Repeat("x", 300)
	shown := CleanID(top)
	for id, want := range map[string]bool{
		top: true, top + "/child": true, top + "/child/" + strings.Repeat("y", 300): true, top + "x": false, "callers": false, "callers/x": false,
	} {
		f := Filter{Below: shown}
		assert.Equal(t, want, f.Keeps(Caller{ID: id}), id)
		f.Below = top
		assert.Equal(t, want, f.Keeps(Caller{ID: id}), id)
	}
}

func FuzzDecodeReport(f *testing.F) {
	data, err := EncodeReport(reportOf(3, 2), Question{Limit: 10, Bytes: MostReported})
	require.NoError(f, err)
	f.Add(data)
	f.Add([]byte(`{"Taken":"0001-01-01T00:00:00Z","System":{"Callers":[{"ID":"a"}]},"Node":{"Calls":[{"Stream":{}}]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := DecodeReport(data, all, time.Now())
		if err != nil {
			return
		}
		again, err := EncodeReport(r, all)
		require.NoError(t, err)
		_, err = DecodeReport(again, all, time.Now())
		require.NoError(t, err)
	})
}
