package main

import (
	"context"
	"image/color"
	"math"
)

// In pixels; and the part of the plane that they show.
const (
	pictureWidth  = 420
	pictureHeight = 280

	left, top = -2.15, 1.0
	pixel     = 2.0 / pictureHeight

	samples = 4 // of a pixel, in each direction
)

// row is one of the picture.
type row struct {
	y      int
	pixels []byte // as in an image.RGBA
}

// computeRow is called by workers. The error is that of the context.
func computeRow(ctx context.Context, y, detail int) (row, error) {
	r := row{y: y}
	for x := range pictureWidth {
		if ctx.Err() != nil {
			return row{}, context.Cause(ctx)
		}
		c := colorOf(x, y, detail)
		r.pixels = append(r.pixels, c.R, c.G, c.B, c.A)
	}
	return r, nil
}

// colorOf returns the mean of a pixel's samples.
func colorOf(x, y, detail int) color.RGBA {
	const count = samples * samples
	var sum float64
	for i := range count {
		dx := (float64(i%samples) + 0.5) / samples
		dy := (float64(i/samples) + 0.5) / samples
		sum += brightness(complex(left+(float64(x)+dx)*pixel, top-(float64(y)+dy)*pixel), detail)
	}
	mean := sum / count
	return color.RGBA{
		R: uint8(255 * mean * mean),
		G: uint8(255 * mean),
		B: uint8(64 + 191*math.Sqrt(mean)),
		A: 255,
	}
}

// brightness returns 0 for a point of the set, and up to 1 near it.
func brightness(c complex128, detail int) float64 {
	z := c
	for n := range detail {
		if re, im := real(z), imag(z); re*re+im*im > 4 {
			return 1 - 1/(1+float64(n)/12)
		}
		z = z*z + c
	}
	return 0
}
