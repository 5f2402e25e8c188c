// The growth of costs as an SVG: light or dark as the reader's page is.

const width = 960;
const height = 330;
const [top, bottom] = [92, 270];
const style = `\
text{font:13px system-ui,sans-serif;fill:#1f2328}.t{font-size:17px;font-weight:600}\
.h{font-weight:600}.m{fill:#59636e}.page{fill:#fff}\
.grid{stroke:#d1d9e0;fill:none}.one{stroke:#1f2328;stroke-dasharray:6 4}\
.l{fill:none;stroke-width:1.6;stroke-linejoin:round}\
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.m{fill:#9198a1}.page{fill:#0d1117}\
.grid{stroke:#30363d}.one{stroke:#e6edf3}}`;

/** Each is told apart on white and on black. */
const colors = ['#2f81f7', '#d9730d', '#1f9d55', '#a855f7'];

/**
 * @typedef {{ value: number, ratio: number }[]} Line
 * @param {string} title
 * @param {{ heading: string, lines: Record<string, Line> }[]} panels side by side; both axes are logarithmic
 */
export function svg(title, panels) {
  const out = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img">`,
    `<title>${title}</title>`,
    `<style>${style}</style>`,
    `<rect class="page" width="${width}" height="${height}"/>`,
    text(20, 30, 't', title),
    text(
      20,
      50,
      'm',
      'an event’s cost as a multiple of JSON.stringify of its metadata, in the same moment',
    ),
  ];
  const ratios = panels.flatMap(({ lines }) =>
    Object.values(lines)
      .flat()
      .map(({ ratio }) => ratio),
  );
  const powers = [
    2 ** Math.floor(Math.log2(Math.min(...ratios))),
    2 ** Math.ceil(Math.log2(Math.max(...ratios))),
  ];
  const share = (value, [least, most]) => Math.log(value / least) / Math.log(most / least);
  const y = (ratio) => bottom - (bottom - top) * share(ratio, powers);
  const each = (width - 60) / panels.length;
  panels.forEach(({ heading, lines }, index) => {
    const [left, right] = [60 + each * index, 60 + each * (index + 1) - 30];
    out.push(text(left, top - 14, 'h', heading));
    for (let power = powers[0]; power <= powers[1]; power *= 2) {
      const line = power === 1 ? 'one' : 'grid';
      out.push(
        `<path class="${line}" d="M${left.toFixed(0)} ${y(power).toFixed(1)}H${right.toFixed(0)}"/>`,
      );
      if (index === 0) out.push(text(16, y(power) + 4, 'm', `${power} ×`));
    }
    const values = Object.values(lines)[0].map(({ value }) => value);
    const range = [values[0], values.at(-1)];
    const x = (value) => left + (right - left) * share(value, range);
    for (const value of range) {
      const label = value.toLocaleString('en');
      out.push(
        text(x(value) - (value === range[0] ? 0 : 7 * label.length), bottom + 20, 'm', label),
      );
    }
    Object.values(lines).forEach((points, number) => {
      const path = points.map(
        ({ value, ratio }) => `${x(value).toFixed(1)} ${y(ratio).toFixed(1)}`,
      );
      out.push(`<path class="l" stroke="${colors[number]}" d="M${path.join('L')}"/>`);
    });
  });
  Object.keys(panels[0].lines).forEach((name, number) => {
    const left = 60 + 220 * number;
    out.push(`<path class="l" stroke="${colors[number]}" d="M${left} ${height - 18}h18"/>`);
    out.push(text(left + 26, height - 14, '', name));
  });
  return `${out.join('\n')}\n</svg>\n`;
}

const text = (x, y, name, content) =>
  `<text x="${x.toFixed(0)}" y="${y.toFixed(0)}" class="${name}">${content}</text>`;
