package sentinel_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/internal/sentinel"
)

func TestErrorHasATextAndAName(t *testing.T) {
	general := sentinel.New("general", "it has failed")
	special := sentinel.NewOf(general, "special", "it has failed badly")
	other := sentinel.New("general", "it has failed")

	wrapped := fmt.Errorf("here: %w", special)
	require.EqualError(t, wrapped, "here: it has failed badly")
	require.ErrorIs(t, wrapped, special)
	require.ErrorIs(t, wrapped, general)
	require.NotErrorIs(t, wrapped, other)
	require.NotErrorIs(t, general, special)

	var named interface{ ErrorType() string }
	require.ErrorAs(t, wrapped, &named)
	assert.Equal(t, "special", named.ErrorType())
}
