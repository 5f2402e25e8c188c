import { initializeFaro } from '@grafana/faro-web-sdk';

const faro = initializeFaro({ url: 'http://127.0.0.1/collect', app: { name: 'smallest' } });
faro.api.pushEvent('started');
