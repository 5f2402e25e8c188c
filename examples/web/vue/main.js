import { createApp, h, ref } from 'vue';
import { createRouter, createWebHistory, RouterLink, RouterView } from 'vue-router';
import { logEvent } from 'wasm-telemetry';
import { telemetry } from './telemetry.js';

const Home = {
  render: () => [
    h(RouterLink, { to: '/product/4711' }, () => 'Lamp'),
    h(RouterLink, { to: '/product/free' }, () => 'Gift'),
  ],
};

const Product = {
  props: ['id'],
  setup(props) {
    const items = ref(0);
    function add() {
      if (Number.isNaN(Number(props.id))) {
        throw Object.assign(new Error(`no price for ${props.id}`), { code: 'PRICE_MISSING' });
      }
      items.value += 1;
      logEvent('item_added', { items: items.value });
    }
    return () => h('button', { type: 'button', onClick: add }, `Add (${items.value})`);
  },
};

const router = createRouter({
  history: createWebHistory(),
  routes: [
    { path: '/', component: Home },
    { path: '/product/:id', component: Product, props: true },
  ],
});

createApp({ render: () => h(RouterView) })
  .use(telemetry, { router })
  .use(router)
  .mount('#app');
