// What the tests log, and what a receiver must have of it.
export const settings = {
  serviceName: 'shop',
  serviceVersion: '1.4.0',
  resource: { 'deployment.environment.name': 'test', shards: 3, share: 0.25, canary: false },
  sessionId: 's1',
  user: {
    userId: 'u1',
    deviceId: 'd1',
    accountUuid: 'a1',
    organizationUuid: 'o1',
    tier: 'gold',
    seats: 5,
  },
  context: { plan: 'pro', ratio: 0.5, beta: true, environment: 'production' },
};

export const resource = {
  'service.name': 'shop',
  'service.version': '1.4.0',
  'deployment.environment.name': 'test',
  shards: 3n,
  share: 0.25,
  canary: false,
};

export const context = {
  user_id: 'u1',
  session_id: 's1',
  device_id: 'd1',
  account_uuid: 'a1',
  organization_uuid: 'o1',
  'core_metadata.plan': 'pro',
  'core_metadata.ratio': 0.5,
  'core_metadata.beta': true,
  'core_metadata.environment': 'production',
  'user_metadata.tier': 'gold',
  'user_metadata.seats': 5n,
};

export const text = 'ü 🚀 "quoted" \\ <tag>\u0001\nsecond line: Str(x)';

/** What the events hold, as it was logged. */
export const events = [
  { name: 'opened', metadata: {} },
  {
    name: 'checkout',
    metadata: { items: 3, total: 149.9, express: true, gift: false, nothing: undefined },
  },
  {
    name: 'numbers',
    metadata: {
      zero: 0,
      negative: -7,
      safe: Number.MAX_SAFE_INTEGER,
      least: Number.MIN_SAFE_INTEGER,
      beyond: 2 ** 53,
      large: 1.7976931348623157e308,
      tiny: 5e-324,
      third: 1 / 3,
    },
  },
  { name: 'größe 🚀', metadata: { 'key "quoted"': 1 } },
  { name: 'colliding', metadata: { event_id: 1, 'core_metadata.plan': true, user_id: 2.5 } },
];

/** The attributes of each, and of a text and an exposure after them; less `event_id`. */
export const received = [
  { eventName: 'opened', attributes: { ...context } },
  {
    eventName: 'checkout',
    attributes: { items: 3n, total: 149.9, express: true, gift: false, ...context },
  },
  {
    eventName: 'numbers',
    attributes: {
      zero: 0n,
      negative: -7n,
      safe: BigInt(Number.MAX_SAFE_INTEGER),
      least: BigInt(Number.MIN_SAFE_INTEGER),
      beyond: 2 ** 53,
      large: 1.7976931348623157e308,
      tiny: 5e-324,
      third: 1 / 3,
      ...context,
    },
  },
  { eventName: 'größe 🚀', attributes: { 'key "quoted"': 1n, ...context } },
  {
    eventName: 'colliding',
    attributes: {
      'event_metadata.event_id': 1n,
      'event_metadata.core_metadata.plan': true,
      'event_metadata.user_id': 2.5,
      ...context,
    },
  },
  { eventName: 'said', attributes: { text, ...context } },
  {
    eventName: 'growthbook_experiment',
    attributes: {
      experiment_id: 'checkout-button',
      variation_id: 1n,
      device_id: 'd1',
      account_uuid: 'a1',
      organization_uuid: 'o1',
      session_id: 's1',
      user_attributes: '{"country":"NZ"}',
      experiment_metadata: '{"feature":"button"}',
      environment: 'production',
    },
  },
];

export const exposure = {
  experimentId: 'checkout-button',
  variationId: 1,
  userAttributes: { country: 'NZ' },
  experimentMetadata: { feature: 'button' },
};
