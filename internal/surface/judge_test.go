package surface

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestEachNameServesPrograms(t *testing.T) {
	found, err := Names("../..")
	require.NoError(t, err)
	for name, why := range found {
		t.Logf("%s: %s: %s", name, why, Judged[name])
	}
	assert.Empty(t, Unexplained(found))
}
