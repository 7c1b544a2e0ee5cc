"""A small site: each template is a page, one user can log in, and chat is set up as the README says."""

from pathlib import Path

from flask import Flask, redirect, render_template
from flask_login import LoginManager, UserMixin, logout_user

from flask_livechat import LiveChat


class User(UserMixin):
    id, name, email = "42", "First Visitor", "visitor@example.com"


app = Flask(__name__)
app.config.from_pyfile("defaults.py")
app.config.from_pyfile("config.py", silent=True)
LoginManager(app).user_loader(lambda number: User())
livechat = LiveChat(app)


def page(name):
    return lambda: render_template(f"{name}.html")


for path in sorted(Path(app.root_path, "templates").glob("[!_]*.html")):
    app.add_url_rule("/" if path.stem == "index" else f"/{path.stem}", path.stem, page(path.stem))


@app.post("/logout")
def logout():
    logout_user()
    return redirect("/")
