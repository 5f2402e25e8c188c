import { isIPv6 } from 'node:net';

/**
 * Who sent a request. Behind proxies that is the entry that the outermost of our own added to
 * `X-Forwarded-For`; what stands before it anybody can write.
 */
export function addressOf(request, proxies) {
  const forwarded = String(request.headers['x-forwarded-for'] ?? '').split(',');
  const told = proxies > 0 ? forwarded.at(-proxies)?.trim() : undefined;
  return network(told || request.socket.remoteAddress || 'unknown');
}

/** A household has a /64 of IPv6, and each machine in it as many addresses as it wants. */
function network(address) {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped) return mapped[1];
  if (!isIPv6(address)) return address.slice(0, 45);
  const [head, tail] = address.split('::');
  const groups = head.split(':').filter(Boolean);
  const behind = tail === undefined ? [] : tail.split(':').filter(Boolean);
  while (groups.length + behind.length < 8) groups.push('0');
  return `${[...groups, ...behind].slice(0, 4).join(':')}::/64`;
}
