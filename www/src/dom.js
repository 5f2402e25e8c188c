/** @returns {any} */
export function byId(id) {
  return document.getElementById(id);
}

/** Builds an element; text goes in as text. */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

/** Writes only what changed, so that a screen reader and the layout stay calm. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

export function number(value) {
  return whole.format(value);
}
