import { useState } from 'react';
import { createBrowserRouter, Link, Outlet, useLocation, useParams } from 'react-router';
import { logEvent } from 'wasm-telemetry';
import { ErrorBoundary } from './ErrorBoundary.jsx';
import { PageViews } from './PageViews.jsx';

// A route's pattern is a text of this file; the address of a page holds what somebody looked for.
export const router = createBrowserRouter([
  {
    element: <Layout />,
    children: [
      { path: '/', element: <Home />, handle: { route: '/' } },
      { path: '/product/:id', element: <Product />, handle: { route: '/product/:id' } },
    ],
  },
]);

function Layout() {
  const { key } = useLocation();
  return (
    <>
      <PageViews />
      <ErrorBoundary key={key} fallback={<p>This page failed.</p>}>
        <Outlet />
      </ErrorBoundary>
    </>
  );
}

function Home() {
  return (
    <>
      <Link to="/product/4711">Lamp</Link> <Link to="/product/free">Gift</Link>
    </>
  );
}

function Product() {
  const { id } = useParams();
  const [items, setItems] = useState(0);
  if (Number.isNaN(Number(id))) {
    throw Object.assign(new Error(`no price for ${id}`), { code: 'PRICE_MISSING' });
  }

  function add() {
    setItems(items + 1);
    logEvent('item_added', { items: items + 1 });
  }
  return (
    <button type="button" onClick={add}>
      Add ({items})
    </button>
  );
}
