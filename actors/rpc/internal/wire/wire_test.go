package wire

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// samples are frames of all kinds, and what they are decoded to.
func samples() map[string]struct {
	batch []byte
	frame Frame
} {
	hello := Hello{Version: Version, Oldest: Oldest, Incarnation: Incarnation{1, 2, 3}, Address: "a:1", Target: "b:2", MaxSize: 1 << 40, MaxWindow: 99}
	request := Request{
		Function: "buy", Caller: "callers/clerk", Identity: "cart/alice", Key: "k", Timeout: math.MaxInt64, Window: 16, Worker: true,
		Trace: []string{"traceparent", "00-1", "baggage", ""}, Argument: Payload{Encoding: "json", Data: []byte(`"tea"`)},
	}
	large := request
	large.Argument = Payload{Type: "x.Y", Data: make([]byte, 1<<20)}
	headOfLarge := large
	headOfLarge.Argument.Data = nil
	failed := Error{Text: "no tea", Node: "a:1", Stack: []byte("main.go"), Codes: []string{"a", "b"}, Panicked: true, NotRun: true, Again: true}
	result := Payload{Encoding: "json", Data: []byte("7")}
	probe := &Probe{Phase: Checking, Nonce: math.MaxUint64, Items: 3, At: 2, Last: 1, Hops: []Hop{
		{Node: Incarnation{1}, Root: 1, Exit: 2, Print: math.MaxUint64, Age: 1000, Where: "callers/a of a:1", Text: "f waits for g"},
		{Node: Incarnation{2}},
	}}
	question := &Probe{Phase: Naming, Nonce: 1, Items: 2, Call: 3, Left: MaxHops, Of: Waiter{Incarnation{7}, 5, math.MaxUint64}, Circle: 9}
	told := &Probe{Phase: Telling, Nonce: 1, Call: 3, Needs: []Need{
		{Hop: probe.Hops[0], Exits: []uint64{1, math.MaxUint64}},
		{Caller: Incarnation{1}, Call: 4, Hop: Hop{Node: Incarnation{2}}, Exits: []uint64{2}},
	}}
	told.Needs[0].Exit = 0
	type sample = struct {
		batch []byte
		frame Frame
	}
	return map[string]sample{
		"hello":    {AppendHello(nil, KindHello, &hello), Frame{Kind: KindHello, Hello: hello}},
		"welcome":  {AppendHello(nil, KindWelcome, &hello), Frame{Kind: KindWelcome, Hello: hello}},
		"refuse":   {AppendRefuse(nil, 9, &failed), Frame{Kind: KindRefuse, Hello: Hello{Version: 9}, Response: Response{Error: &failed}}},
		"ping":     {AppendSignal(nil, KindPing), Frame{Kind: KindPing}},
		"goaway":   {AppendSignal(nil, KindGoaway), Frame{Kind: KindGoaway}},
		"request":  {AppendRequest(nil, math.MaxUint64, &request, false), Frame{Kind: KindRequest, Number: math.MaxUint64, Request: request}},
		"large":    {AppendRequest(nil, 1, &large, true), Frame{Kind: KindRequest, Number: 1, Request: headOfLarge, Chunked: true, Total: 1 << 20}},
		"response": {AppendResponse(nil, 2, &Response{Result: result}, false), Frame{Kind: KindResponse, Number: 2, Response: Response{Result: result}}},
		"large response": {
			AppendResponse(nil, 2, &Response{Result: Payload{Type: "t", Data: []byte("xyz")}}, true),
			Frame{Kind: KindResponse, Number: 2, Response: Response{Result: Payload{Type: "t"}}, Chunked: true, Total: 3},
		},
		"error":  {AppendResponse(nil, 3, &Response{Error: &failed}, false), Frame{Kind: KindResponse, Number: 3, Response: Response{Error: &failed}}},
		"item":   {AppendItem(nil, 4, &result, false), Frame{Kind: KindItem, Number: 4, Value: result}},
		"chunk":  {append(AppendChunk(nil, 5, 3), "abc"...), Frame{Kind: KindChunk, Number: 5, Data: []byte("abc")}},
		"credit": {AppendCredit(nil, 6, 1<<50), Frame{Kind: KindCredit, Number: 6, Granted: 1 << 50}},
		"cancel": {AppendCancel(nil, 7, &failed), Frame{Kind: KindCancel, Number: 7, Response: Response{Error: &failed}}},
		"probe":  {AppendProbe(nil, 8, probe), Frame{Kind: KindProbe, Number: 8, Probe: probe}},
		"asked":  {AppendProbe(nil, 8, question), Frame{Kind: KindProbe, Number: 8, Probe: question}},
		"told":   {AppendProbe(nil, 8, told), Frame{Kind: KindProbe, Number: 8, Probe: told}},
		"nothing": {
			AppendProbe(nil, 8, &Probe{Phase: Telling, Nonce: 1, Call: 3}),
			Frame{Kind: KindProbe, Number: 8, Probe: &Probe{Phase: Telling, Nonce: 1, Call: 3, Needs: []Need{}}},
		},
	}
}

func TestFramesAreDecodedAsTheyWereEncoded(t *testing.T) {
	for name, sample := range samples() {
		t.Run(name, func(t *testing.T) {
			var f Frame
			rest, err := Next(&f, append(bytes.Clone(sample.batch), "more"...))
			require.NoError(t, err)
			assert.Equal(t, "more", string(rest))
			assert.Equal(t, sample.frame, f)
		})
	}
}

func TestFramesThatAreCutAreMalformed(t *testing.T) {
	for name, sample := range samples() {
		kind, body, err := split(sample.batch)
		require.NoError(t, err)
		for n := range sample.batch {
			_, err := Next(new(Frame), sample.batch[:n])
			require.ErrorIs(t, err, ErrMalformed, "%s: a batch of %d bytes", name, n)
		}
		if kind == KindItem || kind == KindChunk || name == "request" || name == "response" {
			continue // the payload is what is left
		}
		for n := range body {
			require.ErrorIs(t, Decode(new(Frame), kind, body[:n]), ErrMalformed, "%s: a body of %d bytes", name, n)
		}
		require.ErrorIs(t, Decode(new(Frame), kind, append(bytes.Clone(body), 0)), ErrMalformed, name)
	}
}

func TestAnOlderHelloHasNoOldestVersion(t *testing.T) {
	_, body, err := split(AppendHello(nil, KindHello, &Hello{Version: 2, Oldest: 1, Address: "a"}))
	require.NoError(t, err)
	var f Frame
	require.NoError(t, Decode(&f, KindHello, body))
	assert.EqualValues(t, 2, f.Hello.Oldest, "it speaks that alone")
	require.ErrorIs(t, Decode(&f, KindHello, append(bytes.Clone(body), 0)), ErrMalformed)
}

func TestANewerHelloIsUnderstoodAsFarAsItGoes(t *testing.T) {
	_, body, err := split(AppendHello(nil, KindHello, &Hello{Version: Version + 1, Address: "a"}))
	require.NoError(t, err)
	var f Frame
	require.NoError(t, Decode(&f, KindHello, append(bytes.Clone(body), "more"...)))
	assert.EqualValues(t, Version+1, f.Hello.Version)
}

func TestAFrameDeclaresNoMoreThanItHas(t *testing.T) {
	for name, batch := range map[string][]byte{
		"no kind":            {0, 0},
		"unknown kind":       {200, 0},
		"larger than a gig":  {byte(KindItem), 0xff, 0xff, 0xff, 0xff, 0x0f},
		"an endless length":  append([]byte{byte(KindItem)}, bytes.Repeat([]byte{0xff}, 20)...),
		"a text of 1 GB":     {byte(KindItem), 7, 1, 0, 0x80, 0x80, 0x80, 0x80, 4},
		"a million headers":  {byte(KindRequest), 11, 1, 0, 0, 0, 0, 0, 0, 0, 0xc0, 0x84, 0x3d},
		"an odd trace":       {byte(KindRequest), 13, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0},
		"chunks of nothing":  {byte(KindItem), 5, 1, flagChunked, 0, 0, 0},
		"an empty chunk":     {byte(KindChunk), 1, 1},
		"unknown flags":      {byte(KindItem), 4, 1, 0x80, 0, 0},
		"both result, error": {byte(KindResponse), 4, 1, flagError | flagChunked, 0, 0},
	} {
		_, err := Next(new(Frame), batch)
		require.ErrorIs(t, err, ErrMalformed, name)
	}
	exits := make([]uint64, MaxExits+1)
	for name, p := range map[string]*Probe{
		"no phase":       {Hops: make([]Hop, 1)},
		"another phase":  {Phase: Telling + 1},
		"no hops":        {Phase: Searching},
		"too deep":       {Phase: Asking, Left: MaxHops + 1},
		"too many needs": {Phase: Telling, Needs: slices.Repeat([]Need{{Exits: exits[:1]}}, MaxNeeds+1)},
		"too many calls": {Phase: Telling, Needs: []Need{{Exits: exits}}},
		"no calls":       {Phase: Telling, Needs: make([]Need, 1)},
		"a long text":    {Phase: Telling, Needs: []Need{{Hop: Hop{Where: strings.Repeat("x", MaxWhere+1)}, Exits: exits[:1]}}},
	} {
		_, err := Next(new(Frame), AppendProbe(nil, 1, p))
		require.ErrorIs(t, err, ErrMalformed, name)
	}
	long := append(AppendChunk(nil, 1, ChunkSize+1), make([]byte, ChunkSize+1)...)
	_, err := Next(new(Frame), long)
	require.ErrorIs(t, err, ErrMalformed)
	large := AppendItem(nil, 1, &Payload{Data: []byte(strings.Repeat("x", MaxFrame))}, false)
	_, err = Next(new(Frame), large)
	require.ErrorIs(t, err, ErrMalformed)
}

func FuzzDecode(f *testing.F) {
	var all []byte
	for _, sample := range samples() {
		f.Add(sample.batch)
		all = append(all, sample.batch...)
	}
	f.Add(all)
	f.Fuzz(func(t *testing.T, batch []byte) {
		size := len(batch)
		for len(batch) > 0 {
			var frame Frame
			rest, err := Next(&frame, batch)
			if err != nil {
				require.ErrorIs(t, err, ErrMalformed)
				return
			}
			require.Less(t, len(rest), len(batch))
			require.LessOrEqual(t, frame.Request.Size(), 16*size+1000, "it has no more than came")
			batch = rest
		}
	})
}

// split returns the kind and the body of the first frame of a batch.
func split(batch []byte) (Kind, []byte, error) {
	var r Reader
	r.Reset(batch)
	kind, body, _, err := r.Next()
	return kind, body, err
}

// The transport hands a batch over in parts that end anywhere.
func TestFramesAreReadFromPartsOfAnySize(t *testing.T) {
	var batch []byte
	var want []Frame
	for _, sample := range samples() {
		batch = append(batch, sample.batch...)
		want = append(want, sample.frame)
	}
	for size := 1; size < len(batch); size++ {
		var parts [][]byte
		for rest := batch; len(rest) > 0; {
			n := min(size, len(rest))
			parts, rest = append(parts, rest[:n]), rest[n:]
		}
		var r Reader
		r.Reset(parts...)
		for _, frame := range want {
			kind, body, more, err := r.Next()
			require.NoError(t, err, "parts of %d bytes", size)
			var f Frame
			require.NoError(t, Decode(&f, kind, body, more...))
			for _, more := range f.More {
				f.Data = append(bytes.Clone(f.Data), more...)
			}
			f.More = nil
			require.Equal(t, frame, f)
		}
		require.Zero(t, r.Left())
	}
}
