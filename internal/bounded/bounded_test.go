package bounded_test

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"

	"github.com/seed-7fcaac1b/protocaller/internal/bounded"
)

type point struct {
	X, Y int
	name string
}

type number int

type named string

func (n named) String() string { return "named " + string(n) }

type hidden string

func (hidden) LogValue() slog.Value { return slog.StringValue("hidden") }

type endless struct{ depth int }

func (e endless) LogValue() slog.Value {
	return slog.GroupValue(slog.Any("", endless{e.depth + 1}), slog.Any("more", endless{e.depth + 1}))
}

type broken struct{}

func (*broken) Error() string { panic("broken") }

type brokenPointer struct{ text string }

func (b *brokenPointer) String() string { return b.text }

type session struct {
	sync.Mutex
	users map[string]int
}

func TestValueIsThatOfTheVerbPlusV(t *testing.T) {
	var none *point
	for _, v := range []any{
		"text", 1, uint8(2), 1.5, complex(1, 2), true, number(7), nil, none, point{1, 2, "p"}, &point{1, 2, "p"},
		[]int{1, 2}, [2]string{"a", "b"}, map[string]int{"a": 1}, &[]string{"a"}, errors.New("failed"), named("n"), []named{"n"},
		[]any{nil, 1, "a", point{}}, []error{nil, errors.New("failed")}, struct{ any }{named("n")}, time.Second, (*brokenPointer)(nil),
		[]int(nil), map[string]int(nil), struct{}{}, (func())(nil),
	} {
		assert.Equal(t, fmt.Sprintf("%+v", v), bounded.Value(v).String())
	}
}

func TestValueKeepsNumbersAndResolvesItself(t *testing.T) {
	assert.Equal(t, slog.KindInt64, bounded.Value(3).Kind())
	assert.Equal(t, slog.KindDuration, bounded.Value(time.Second).Kind())
	assert.Equal(t, "hidden", bounded.Value(hidden("password")).String())
	assert.Equal(t, "{Secret:hidden}", bounded.Value(struct{ Secret hidden }{"password"}).String())
	assert.Equal(t, "bytes", bounded.Value([]byte("bytes")).String())
	assert.Equal(t, slog.KindGroup, bounded.Value(endless{}).Kind())
}

func TestValueIsBoundedWhateverItIs(t *testing.T) {
	cycle := []any{nil}
	cycle[0] = cycle
	loop := map[string]any{}
	loop["loop"] = loop
	for name, v := range map[string]any{
		"text": strings.Repeat("ä", 1<<20), "bytes": make([]byte, 1<<24), "slice": make([]int, 1<<24), "empty": make([]struct{}, 1<<40),
		"error": errors.New(strings.Repeat("x", 1<<20)), "cycle": cycle, "pointer to a cycle": &cycle, "loop": loop, "endless": endless{},
		"many texts": make([]string, 1<<20),
	} {
		text := bounded.Value(v).String()
		assert.LessOrEqual(t, len(text), 6*bounded.Limit, name)
		assert.True(t, utf8.ValidString(text), name)
	}
	assert.LessOrEqual(t, len(bounded.Value(strings.Repeat("ä", 1<<20)).String()), bounded.Limit+len("…"))
}

func TestValueSurvivesItsMethods(t *testing.T) {
	assert.Equal(t, "!PANIC in a method of *bounded_test.broken", bounded.Value(&broken{}).String())
	assert.Equal(t, "[!PANIC in a method of *bounded_test.broken 1]", bounded.Value([]any{&broken{}, 1}).String())
	assert.Equal(t, "<nil>", bounded.Value((*brokenPointer)(nil)).String())
}

func TestValueThatHoldsALockIsNotRead(t *testing.T) {
	assert.Equal(t, "[{…}]", bounded.Value(make([]session, 1)).String())
	assert.Regexp(t, `^\(\*bounded_test\.session\)\(0x[0-9a-f]+\)$`, bounded.Value(&session{users: map[string]int{}}).String())
}
