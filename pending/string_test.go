package pending_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/internal/future"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

func one(context.Context) (int, error) { return 1, nil }

const nameOfOne = "github.com/seed-7fcaac1b/protocaller/pending_test.one"

// Item 30 of the seed's behavior.
func TestStringDescribesThePending(t *testing.T) {
	with := func(opts ...pending.Option) pending.Handle { return pending.New[int](t.Context(), opts...) }
	of := func(opts ...pending.Option) pending.Handle {
		task, _ := queue(t.Context(), one, opts...)
		task.Metadata() // which adds what the runner knows, and is not shown
		return task
	}
	tests := map[string]struct {
		p    pending.Handle
		want string // with the ID
	}{
		"nothing known": {with(), "<Pending 🏃 #%d>"},
		"named":         {with(pending.Named("it")), "<Pending 🏃 it #%d>"},
		"metadata, by key": {with(pending.With("b", 2), pending.With("a", "x"), pending.With("c", nil)),
			"<Pending 🏃 #%d a=x b=2 c=<nil>>"},
		"function":       {of(), "<Pending 🏃 " + nameOfOne + " #%d>"},
		"named function": {of(pending.Named("it"), pending.With("k", "v")), "<Pending 🏃 it #%d k=v>"},
		"just short":     {with(pending.With("k", strings.Repeat("x", 40))), "<Pending 🏃 #%d k=" + strings.Repeat("x", 40) + ">"},
		"too long":       {with(pending.With("k", strings.Repeat("x", 41))), "<Pending 🏃 #%d k=" + strings.Repeat("x", 40) + "…>"},
		"cut in a sign":  {with(pending.With("k", strings.Repeat("x", 39)+"ä")), "<Pending 🏃 #%d k=" + strings.Repeat("x", 39) + "…>"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, fmt.Sprintf(tt.want, tt.p.ID()), tt.p.String())
		})
	}
}

func TestStringIsOneLine(t *testing.T) {
	p := pending.New[int](t.Context(), pending.Named("a\nb"), pending.With("k", "v\nw"))
	p.SetCanceller(func(error) {})
	p.Cancel(errWhy)
	p.Cancel(errElse)
	assert.NotContains(t, p.String(), "\n")
	assert.Contains(t, p.String(), "why")
	assert.Contains(t, p.String(), "something else")
}

func TestMetadataIsKeptAndDescribed(t *testing.T) {
	tests := map[string]struct {
		opts []pending.Option
		want pending.Metadata
	}{
		"nothing given": {nil, pending.Metadata{"func": nameOfOne, "caller": "fake"}},
		"named":         {[]pending.Option{pending.Named("it")}, pending.Metadata{"func": nameOfOne, "caller": "fake"}},
		"more":          {[]pending.Option{pending.With("k", 1), pending.With("k", 2)}, pending.Metadata{"func": nameOfOne, "caller": "fake", "k": 2}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			task, _ := queue(t.Context(), one, tt.opts...)
			assert.Equal(t, tt.want, task.Metadata())
			task.Metadata()["added"] = true
			require.NoError(t, task.Run())
			assert.Equal(t, true, task.Metadata()["added"])
		})
	}
	p := pending.New[int](t.Context(), pending.With("k", 1))
	assert.Equal(t, pending.Metadata{"k": 1}, p.Metadata(), "there is no function to describe")

	asked := 0
	p = pending.New[int](t.Context(), pending.With("k", 1), future.DescribedBy(func(m map[string]any) {
		asked++
		m["asked"], m["k"] = asked, "less than what is given"
	}))
	assert.NotContains(t, p.String(), "asked", "it costs nothing until it is asked for")
	assert.Equal(t, pending.Metadata{"k": 1, "asked": 1}, p.Metadata())
	assert.Equal(t, pending.Metadata{"k": 1, "asked": 1}, p.Metadata())
}

func TestNameIsTheOneGivenOrThatOfTheFunction(t *testing.T) {
	task, _ := queue(t.Context(), one)
	assert.Equal(t, nameOfOne, task.Name())
	named, _ := queue(t.Context(), one, pending.Named("it"))
	assert.Equal(t, "it", named.Name())
}
