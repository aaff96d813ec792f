package main

import (
	"bytes"
	"fmt"
	"image"

	"gioui.org/font/gofont"
	"gioui.org/layout"
	"gioui.org/op/paint"
	"gioui.org/text"
	"gioui.org/unit"
	"gioui.org/widget"
	"gioui.org/widget/material"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// In pixels of a screen that is not scaled.
const (
	margin    = 16
	barHeight = 8

	viewWidth  = pictureWidth + 2*margin
	viewHeight = pictureHeight + barHeight + 40 + 4*margin
)

// view is what is in the window. It is changed by functions of its caller alone,
// and read when a frame is laid out: both are things that the window's loop does.
type view struct {
	caller *actors.Caller
	detail int
	log    *printer

	painting *pending.Pending[any] // the last
	picture  *image.RGBA
	rows     int // that are painted
	status   string

	theme  *material.Theme
	button widget.Clickable
}

func newView(c *actors.Caller, detail int, log *printer) *view {
	v := &view{caller: c, detail: detail, log: log, theme: material.NewTheme()}
	v.theme.Shaper = text.NewShaper(text.NoSystemFonts(), text.WithCollection(gofont.Collection()))
	v.clear()
	return v
}

func (v *view) clear() {
	v.picture = image.NewRGBA(image.Rect(0, 0, pictureWidth, pictureHeight))
	v.rows = 0
}

// report changes the status, for the user and for the log.
func (v *view) report(status string) {
	v.status = status
	v.log.printf("%s\n", status)
}

// layout lays out a frame, and does what the user wants.
func (v *view) layout(gtx layout.Context) {
	if v.button.Clicked(gtx) {
		v.click()
	}
	column := layout.Flex{Axis: layout.Vertical}
	layout.UniformInset(unit.Dp(margin)).Layout(gtx, func(gtx layout.Context) layout.Dimensions {
		return column.Layout(gtx,
			layout.Rigid(widget.Image{Src: paint.NewImageOp(v.snapshot())}.Layout),
			layout.Rigid(layout.Spacer{Height: unit.Dp(margin)}.Layout),
			layout.Rigid(v.layoutBar),
			layout.Rigid(layout.Spacer{Height: unit.Dp(margin)}.Layout),
			layout.Rigid(v.layoutControls),
		)
	})
}

// snapshot returns the picture as it is now, for a frame that is drawn later.
func (v *view) snapshot() image.Image {
	now := *v.picture
	now.Pix = bytes.Clone(now.Pix)
	return &now
}

func (v *view) layoutBar(gtx layout.Context) layout.Dimensions {
	gtx.Constraints.Max.X = gtx.Dp(pictureWidth)
	bar := material.ProgressBar(v.theme, float32(v.rows)/pictureHeight)
	bar.Height = unit.Dp(barHeight)
	return bar.Layout(gtx)
}

func (v *view) layoutControls(gtx layout.Context) layout.Dimensions {
	gtx.Constraints.Max.X = gtx.Dp(pictureWidth)
	row := layout.Flex{Alignment: layout.Middle}
	status := fmt.Sprintf("%s, %d of %d rows", v.status, v.rows, pictureHeight)
	label := "Cancel"
	if v.painting.IsDone() {
		label = "Again"
	}
	return row.Layout(gtx,
		layout.Flexed(1, material.Body1(v.theme, status).Layout),
		layout.Rigid(material.Button(v.theme, &v.button, label).Layout),
	)
}

func (v *view) click() {
	if v.painting.IsDone() {
		v.start()
	} else {
		v.painting.Cancel(nil)
	}
}
