'use strict';
// Draws the charts of a report's page (html_charts.cpp) and sorts its table. It asks nobody for anything, and text comes
// into the page as text alone.
(() => {
  const charts = JSON.parse(document.getElementById('data').textContent);
  const COLOURS = 8;
  // Told apart without colours too: circle, square, triangle, diamond.
  const SIGNS = ['M-4 0A4 4 0 1 0 4 0A4 4 0 1 0 -4 0Z', 'M-3.6 -3.6H3.6V3.6H-3.6Z', 'M0 -5L4.6 3.4H-4.6Z', 'M0 -5.2L4.6 0L0 5.2L-4.6 0Z'];

  const element = (name, attributes = {}, ...children) => fill(document.createElement(name), attributes, children);
  const shape = (name, attributes = {}, ...children) =>
    fill(document.createElementNS('http://www.w3.org/2000/svg', name), attributes, children);
  function fill(node, attributes, children) {
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    node.append(...children);
    return node;
  }
  const colour = (series) => `var(--c${series.colour % COLOURS})`;
  const tint = (names, name) => `var(--p${names.indexOf(name) % COLOURS})`;

  function text(value) {
    if (value === null) return '-';
    const size = Math.abs(value);
    if (size !== 0 && (size >= 1e7 || size < 1e-4)) return value.toExponential(2);
    return String(Number(value.toPrecision(size >= 1000 ? 6 : 5)));
  }

  // Steps of 1, 2 or 5 times a power of ten, about as many as asked for.
  function ticks(low, high, wanted) {
    const rough = (high - low) / wanted;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough);
    const places = [];
    for (let i = Math.ceil(low / step); i * step <= high; ++i) places.push({at: i * step, name: text(i * step)});
    return places;
  }
  function powers(low, high) {
    const all = [];
    for (let power = Math.floor(Math.log10(low)); 10 ** power <= high; ++power) {
      for (const factor of [1, 2, 5]) {
        const at = factor * 10 ** power;
        if (at >= low && at <= high) all.push({at, name: text(at), round: factor === 1});
      }
    }
    const round = all.filter((tick) => tick.round);
    return round.length >= 3 ? round : all;
  }
  function ticksOf(axis, wanted) {
    if (axis.words.length > 0) return axis.words.map((name, at) => ({at, name}));
    return axis.log ? powers(axis.low, axis.high) : ticks(axis.low, axis.high, wanted);
  }
  function scale(axis, from, to) {
    const place = axis.log ? Math.log : (value) => value;
    const low = place(axis.low), size = place(axis.high) - low;
    return (value) => from + ((place(value) - low) / size) * (to - from);
  }

  function drawAxes(svg, panel, x, y, box) {
    for (const tick of ticksOf(panel.y, 5)) {
      const at = y(tick.at);
      svg.append(shape('line', {class: 'grid', x1: box.left, x2: box.right, y1: at, y2: at}),
                 shape('text', {x: box.left - 6, y: at + 4, 'text-anchor': 'end'}, tick.name));
    }
    const places = ticksOf(panel.x, Math.max(2, (box.right - box.left) / 90));
    const every = Math.ceil(places.reduce((sum, tick) => sum + tick.name.length * 7 + 10, 0) / (box.right - box.left));
    places.forEach((tick, i) => {
      const at = x(tick.at);
      svg.append(shape('line', {class: 'axis', x1: at, x2: at, y1: box.bottom, y2: box.bottom + 4}));
      if (i % every === 0) svg.append(shape('text', {x: at, y: box.bottom + 17, 'text-anchor': 'middle'}, tick.name));
    });
    svg.append(shape('line', {class: 'axis', x1: box.left, x2: box.right, y1: box.bottom, y2: box.bottom}),
               shape('line', {class: 'axis', x1: box.left, x2: box.left, y1: box.top, y2: box.bottom}),
               shape('text', {x: (box.left + box.right) / 2, y: box.bottom + 34, 'text-anchor': 'middle'}, panel.x.title),
               shape('text', {x: 4, y: 13}, panel.y.title));
  }

  function drawMarks(svg, panel, x, box) {
    let free = 0;
    for (const [at, name] of panel.marks) {
      const place = x(at);
      svg.append(shape('line', {class: 'axis', x1: place, x2: place, y1: box.top - 4, y2: box.top}));
      if (place - name.length * 4 < free) continue;
      free = place + name.length * 4 + 6;
      svg.append(shape('text', {x: place, y: box.top - 7, 'text-anchor': 'middle'}, name));
    }
    if (panel.marks.length > 0) {
      svg.append(shape('text', {x: box.right, y: 13, 'text-anchor': 'end'}, panel.marks_title));
    }
  }

  function drawSeries(svg, series, x, y) {
    const paint = colour(series);
    const line = (points) => points.map((p, i) => `${i ? 'L' : 'M'}${x(p[0]).toFixed(1)} ${y(p[1]).toFixed(1)}`).join('');
    if (series.drawn === 'line' || series.drawn === 'dashed') {
      svg.append(shape('path', {d: line(series.points), fill: 'none', stroke: paint, 'stroke-width': 1.6,
                                'stroke-dasharray': series.drawn === 'dashed' ? '6 4' : series.colour >= COLOURS ? '2 3' : ''}));
    } else if (series.drawn === 'boxes') {
      const half = Math.abs(x(0.4) - x(0));
      for (const p of series.points) {
        svg.append(shape('rect', {x: x(p[0]) - half, width: 2 * half, y: y(p[3]), height: Math.max(0, y(p[2]) - y(p[3])),
                                  fill: paint}));
      }
    } else if (series.drawn === 'area') {
      const back = [...series.points].reverse().map((p) => `L${x(p[0]).toFixed(1)} ${y(p[2]).toFixed(1)}`).join('');
      svg.append(shape('path', {d: `${line(series.points)}${back}Z`, fill: paint}));
    } else {
      for (const p of series.points) {
        if (p.length > 3 && p[2] !== null) {
          svg.append(shape('line', {x1: x(p[0]), x2: x(p[0]), y1: y(p[2]), y2: y(p[3]), stroke: paint}));
        }
        svg.append(shape('path', {d: SIGNS[series.drawn === 'peak' ? 2 : series.colour % SIGNS.length], stroke: paint,
                                  fill: series.drawn === 'hollow' ? 'none' : paint, 'fill-opacity': 0.85,
                                  transform: `translate(${x(p[0]).toFixed(1)} ${y(p[1]).toFixed(1)})`}));
      }
    }
  }

  // What lies next to the pointer: a point within reach, or the box below it.
  function nearest(panel, hidden, x, y, at) {
    let found = null;
    for (const series of panel.series) {
      if (hidden.has(series.title)) continue;
      for (const p of series.points) {
        const is_box = series.drawn === 'boxes';
        const distance = is_box ? (Math.abs(x(p[0]) - at.x) < Math.abs(x(0.4) - x(0)) && at.y >= y(p[3]) && at.y <= y(p[2]) ? 0 : 99)
                                : Math.hypot(x(p[0]) - at.x, y(p[1]) - at.y);
        if (distance < 24 && (found === null || distance < found.distance)) found = {series, p, distance};
      }
    }
    return found;
  }

  function describe(panel, {series, p}) {
    const place = panel.x.words.length > 0 ? panel.x.words[p[0]] : text(p[0]);
    const is_stack = series.drawn === 'boxes' || series.drawn === 'area';
    const value = is_stack ? p[3] - p[2] : p[1];
    const bar = !is_stack && p.length > 3 && p[2] !== null ? ` [${text(p[2])}, ${text(p[3])}]` : '';
    return [p[4] || series.title, `${panel.x.title}: ${place}`, `${text(value)}${bar} MiB`].filter((part) => part).join('\n');
  }

  function drawPanel(holder, panel, hidden) {
    const width = Math.max(holder.clientWidth, 240), height = holder.clientHeight;
    const box = {left: 62, right: width - 24, top: panel.marks.length > 0 ? 42 : 26, bottom: height - 44};
    const svg = shape('svg', {viewBox: `0 0 ${width} ${height}`, height, role: 'img', 'aria-label': panel.title});
    const x = scale(panel.x, box.left, box.right), y = scale(panel.y, box.bottom, box.top);
    for (const [from, to, name] of panel.phases) {
      svg.append(shape('rect', {x: x(Math.max(from, panel.x.low)), width: Math.max(0.3, x(to) - x(Math.max(from, panel.x.low))),
                                y: box.top, height: box.bottom - box.top, fill: tint(panel.phase_names, name)}));
    }
    drawAxes(svg, panel, x, y, box);
    drawMarks(svg, panel, x, box);
    for (const series of panel.series) if (!hidden.has(series.title)) drawSeries(svg, series, x, y);
    const tip = element('div', {class: 'tip', hidden: ''});
    tip.style.whiteSpace = 'pre-line';
    svg.addEventListener('pointermove', (event) => {
      const bounds = svg.getBoundingClientRect();
      const at = {x: (event.clientX - bounds.left) * width / bounds.width, y: event.clientY - bounds.top};
      const found = nearest(panel, hidden, x, y, at);
      tip.hidden = found === null;
      if (found === null) return;
      tip.textContent = describe(panel, found);
      tip.style.left = `${Math.min(at.x + 12, width - 180)}px`;
      tip.style.top = `${at.y + holder.offsetTop + 14}px`;
    });
    svg.addEventListener('pointerleave', () => { tip.hidden = true; });
    holder.replaceChildren(svg, tip);
  }

  function legendOf(panel, hidden, redraw) {
    const legend = element('div', {class: 'legend'});
    for (const series of panel.series.filter((one) => one.title)) {
      const swatch = element('i');
      swatch.style.background = series.drawn === 'hollow' || series.drawn === 'dashed' ? 'transparent' : colour(series);
      swatch.style.border = `2px ${series.drawn === 'dashed' ? 'dashed' : 'solid'} ${colour(series)}`;
      const button = element('button', {type: 'button', 'aria-pressed': String(!hidden.has(series.title))}, swatch, series.title);
      button.addEventListener('click', () => {
        hidden.has(series.title) ? hidden.delete(series.title) : hidden.add(series.title);
        button.setAttribute('aria-pressed', String(!hidden.has(series.title)));
        redraw();
      });
      legend.append(button);
    }
    for (const name of panel.phase_names) {
      const swatch = element('i');
      swatch.style.background = tint(panel.phase_names, name);
      legend.append(element('span', {}, swatch, name));
    }
    return legend;
  }

  // A panel with its legend, drawn again where its width changes.
  function panelBox(panel) {
    const hidden = new Set();
    const holder = element('div', {class: 'drawing'});  // as high as what will be in it
    const box = element('div', {class: 'panel'}, element('h3', {}, panel.title), holder);
    const redraw = () => drawPanel(holder, panel, hidden);
    if (panel.series.some((series) => series.title) || panel.phase_names.length > 0) box.append(legendOf(panel, hidden, redraw));
    let drawn = 0;
    new ResizeObserver(() => {
      if (holder.clientWidth === drawn) return;
      drawn = holder.clientWidth;
      redraw();
    }).observe(holder);
    return box;
  }

  // All trials' curves on one pair of axes: without their phases, which differ.
  function together(panels) {
    const widest = (axis) => ({...panels[0][axis], low: Math.min(...panels.map((panel) => panel[axis].low)),
                                     high: Math.max(...panels.map((panel) => panel[axis].high))});
    return {title: 'all trials', x: widest('x'), y: widest('y'), phases: [], phase_names: [], marks: [], marks_title: '',
            series: panels.map((panel, i) => ({...panel.series[0], title: panel.title, colour: i}))};
  }

  function timeBox(panels) {
    const choices = panels.length > 1 ? [together(panels), ...panels] : panels;
    const shown = element('div', {}, panelBox(choices[0]));
    if (choices.length === 1) return shown;
    const select = element('select', {'aria-label': 'trial'});
    choices.forEach((panel, i) => select.append(element('option', {value: i}, panel.title)));
    select.addEventListener('change', () => shown.replaceChildren(panelBox(choices[Number(select.value)])));
    return element('div', {}, element('label', {}, 'Trial: ', select), shown);
  }

  for (const chart of charts) {
    const section = element('section', {class: 'chart'}, element('h2', {}, chart.title));
    if (chart.kind === 'time') {
      section.append(timeBox(chart.panels));
    } else {
      section.append(element('div', {class: 'panels'}, ...chart.panels.map(panelBox)));
    }
    for (const note of chart.notes) section.append(element('p', {}, note));
    document.getElementById('charts').append(section);
  }

  // "123.45 ± 6.7" by its number; words by the alphabet; nothing last.
  function compareCells(a, b) {
    if (a === '-' || b === '-') return a === b ? 0 : a === '-' ? 1 : -1;
    const number_a = parseFloat(a.replace(/^>=/, '')), number_b = parseFloat(b.replace(/^>=/, ''));
    if (Number.isNaN(number_a) || Number.isNaN(number_b)) return a.localeCompare(b);
    return number_a - number_b;
  }
  for (const table of document.querySelectorAll('table')) {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      const button = element('button', {type: 'button'}, ...head.childNodes);
      head.append(button);
      button.addEventListener('click', () => {
        const is_down = head.getAttribute('aria-sort') === 'ascending';
        heads.forEach((other) => other.removeAttribute('aria-sort'));
        head.setAttribute('aria-sort', is_down ? 'descending' : 'ascending');
        const rows = [...table.tBodies[0].rows];
        const cell = (row) => row.cells[column].textContent.trim();
        rows.sort((a, b) => {
          const nothing = cell(a) === '-' || cell(b) === '-';
          return compareCells(cell(a), cell(b)) * (is_down && !nothing ? -1 : 1);
        });
        table.tBodies[0].append(...rows);
      });
    });
  }
})();
