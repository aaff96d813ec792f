package rpc_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors/actorstest"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
)

// spoken is text by a method of its own, spelled JSON.
type (
	spoken  struct{ text string }
	spelled struct{ json string }
	inner   struct{ Text string }
	mixed   struct {
		inner
		Any    any
		List   []string
		Bytes  []byte
		Pairs  map[string]int
		Hidden string `json:"-"`
		secret string
		Raw    json.RawMessage `json:",omitempty"`
	}
)

func (s spoken) MarshalText() ([]byte, error)   { return []byte(s.text), nil }
func (s *spelled) MarshalJSON() ([]byte, error) { return []byte(s.json), nil }

const noText = "a\xffb"

// A name of a file that is no text arrived as the name of another file.
func TestStringsThatAreNoTextDoNotTravelAsJSON(t *testing.T) {
	for name, value := range map[string]any{
		"string":               noText,
		"beside a replacement": []string{"\uFFFD", `\ufffd`, noText},
		"field":                mixed{inner: inner{noText}},
		"interface":            mixed{Any: noText},
		"element":              mixed{List: []string{"x", noText}},
		"key":                  mixed{Pairs: map[string]int{noText: 1}},
		"pointer":              &[]*string{new(string(noText))},
		"text of a method":     spoken{noText},
		"key of a method":      map[spoken]int{{noText}: 1},
		"JSON as it is":        mixed{Raw: json.RawMessage(`"` + noText + `"`)},
		"JSON of a method":     &spelled{`"` + noText + `"`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := rpc.JSON.Marshal(value)
			require.EqualError(t, err, "a string is not valid UTF-8, as a []byte it would travel unchanged")
		})
	}
}

func TestAllTextTravelsAsJSON(t *testing.T) {
	for name, value := range map[string]any{
		"nil":                nil,
		"replacement":        "\uFFFD",
		"escape":             `\ufffd`,
		"escapes":            []string{`\\ufffd`, `\ufffd`, "\uFFFD"},
		"bytes":              mixed{Bytes: []byte(noText), inner: inner{"\uFFFD"}},
		"what is not sent":   mixed{Hidden: noText, secret: noText, Any: "\uFFFD"},
		"JSON as it is":      mixed{Raw: json.RawMessage(`"\ufffd"`)},
		"JSON of a method":   &spelled{`"\ufffd"`},
		"nil beside":         []any{nil, (*spelled)(nil), (*string)(nil), "\uFFFD"},
		"pointers, in a map": map[string]*inner{"x": {"\uFFFD"}, "y": nil},
	} {
		t.Run(name, func(t *testing.T) {
			want, err := json.Marshal(value)
			require.NoError(t, err)
			got, err := rpc.JSON.Marshal(value)
			require.NoError(t, err)
			assert.Equal(t, string(want), string(got))
		})
	}
}

func TestStringsThatAreNoTextAreAnErrorOfTheCall(t *testing.T) {
	onBothNetworks(t, func(t *testing.T, s *scene) {
		require.NoError(t, rpc.Handle(s.there, "latin", func(context.Context, struct{}) (string, error) { return noText, nil }))
		require.NoError(t, rpc.Handle(s.there, "echo bytes as JSON", func(_ context.Context, b []byte) ([]byte, error) { return b, nil }))

		require.ErrorIs(t, failure[string](t, s.here, s.target, "echo", noText), rpc.ErrEncoding)
		require.ErrorIs(t, failure[string](t, s.here, s.target, "latin", struct{}{}), rpc.ErrEncoding, "and of its result")
		for _, err := range rpc.Stream[string, int](t.Context(), s.here, s.target, "count", noText) {
			require.ErrorIs(t, err, rpc.ErrEncoding)
		}
		for _, err := range rpc.Stream[int, int](t.Context(), s.here, s.target, noText, 1) {
			require.ErrorIs(t, err, rpc.ErrEncoding)
		}
		got, err := rpc.Call[[]byte, []byte](t.Context(), s.here, s.target, "echo bytes as JSON", []byte(noText)).Wait(t.Context())
		require.NoError(t, err)
		assert.Equal(t, noText, string(got))
	})
}

func TestJSONThatIsNoTextIsNotDecoded(t *testing.T) {
	var s string
	require.Error(t, rpc.JSON.Unmarshal([]byte(`"`+noText+`"`), &s))
	require.NoError(t, rpc.JSON.Unmarshal([]byte(`"a"`), &s))
}

func TestNamesOfFunctionsAreText(t *testing.T) {
	err := rpc.Handle(actorstest.NewSystem(t), noText, func(context.Context, int) (int, error) { return 0, nil })
	require.EqualError(t, err, `rpc: handle "a\xffb": the name is not valid UTF-8`)
}
