// One tile of a picture of the Mandelbrot set. The payload says which: {x, y, w, h} in pixels of a picture of
// width × height pixels. The result is an image tile: the dashboard paints those as they arrive.
const LEFT = -2.25;
const SPAN = 3; // of the real axis, from the picture's left edge to its right one

export default function run({ x, y, w, h, width, height, limit }, unit) {
  const step = SPAN / width;
  const pixels = new Uint8Array(3 * w * h);
  for (let row = 0; row < h; row += 1) {
    const im = (y + row + 0.5 - height / 2) * step;
    for (let column = 0; column < w; column += 1) {
      const count = escape(LEFT + (x + column + 0.5) * step, im, limit);
      pixels.set(colour(count, limit), 3 * (row * w + column));
    }
    unit.progress((row + 1) / h);
  }
  return { x, y, w, h, width, height, pixels: base64(pixels) };
}

// How many steps a point takes to leave; `limit` = it stays.
function escape(re, im, limit) {
  let a = 0;
  let b = 0;
  for (let count = 0; count < limit; count += 1) {
    const aa = a * a;
    const bb = b * b;
    if (aa + bb > 4) return count;
    b = 2 * a * b + im;
    a = aa - bb + re;
  }
  return limit;
}

// Whole numbers only, so that every machine paints the same.
function colour(count, limit) {
  if (count === limit) return [0, 0, 0];
  return [wave(count * 5 + 40), wave(count * 7 + 90), wave(count * 11 + 140)];
}

function wave(n) {
  const at = n % 512;
  return at < 256 ? at : 511 - at;
}

function base64(bytes) {
  let text = '';
  for (let at = 0; at < bytes.length; at += 3000) text += btoa(String.fromCharCode(...bytes.subarray(at, at + 3000)));
  return text;
}
