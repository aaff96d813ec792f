package sentinel_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/seed-7fcaac1b/protocaller/internal/sentinel"
)

func TestErrorHasATextAndAName(t *testing.T) {
	general := sentinel.New("general", "it has failed")
	special := sentinel.NewOf(general, "special", "it has failed badly")
	other := sentinel.New("general", "it has failed")

	wrapped := fmt.Errorf("here: %w", special)
	assert.EqualError(t, wrapped, "here: it has failed badly")
	assert.ErrorIs(t, wrapped, special)
	assert.ErrorIs(t, wrapped, general)
	assert.NotErrorIs(t, wrapped, other)
	assert.NotErrorIs(t, general, special)

	var named interface{ ErrorType() string }
	assert.True(t, errors.As(wrapped, &named))
	assert.Equal(t, "special", named.ErrorType())
}
